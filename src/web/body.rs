//! Request bodies: small, and complete within ten seconds.

use std::io;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::error::Error;

/// Time in which a client must have sent the body, from the end of its head. Forms have some
/// hundred bytes; a client that needs longer is stuck, or holds connections on purpose.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the reading of a body after [`PATIENCE`], whichever handler reads it. actix-web has no time
/// limit of its own for bodies.
pub(crate) async fn limit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Payload::H1 { .. } = request.parts_mut().1 {
        let until = Instant::now() + PATIENCE;
        let body = request.take_payload();
        let limited = futures_util::stream::unfold(Some(body), move |body| async move {
            let mut body = body?;
            match timeout_at(until, body.next()).await {
                Ok(part) => Some((part?, Some(body))),
                Err(_) => Some((Err(PayloadError::Io(io::ErrorKind::TimedOut.into())), None)),
            }
        });
        request.set_payload(Payload::Stream { payload: Box::pin(limited) });
    }
    next.call(request).await
}

/// The text of a request's body, which is a form's.
pub(crate) fn form(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<String, Error>> + use<> {
    let body = Bytes::from_request(request, payload);
    async move {
        let body = body.await.map_err(|error| match error.as_error::<PayloadError>() {
            Some(PayloadError::Io(error)) if error.kind() == io::ErrorKind::TimedOut => Error::Slow,
            _ => unreadable(),
        })?;
        String::from_utf8(body.into()).map_err(|_| unreadable())
    }
}

fn unreadable() -> Error {
    Error::BadRequest("The form is too long, or not UTF-8 text.".to_owned())
}
