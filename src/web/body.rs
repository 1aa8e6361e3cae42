//! Request bodies: small, and complete within ten seconds.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::error::Error;

/// Time in which a client must have sent the body, from the end of its head. Forms have some
/// hundred bytes; a client that needs longer is stuck, or holds connections on purpose.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a response, and that of its request, which is kept until the response is sent. After a
/// response actix-web reads a chunked body that was dropped to its end, which may never come; for one
/// that is still there it closes the connection.
struct WithRequest {
    body: BoxBody,
    _request: Rc<RefCell<Payload>>,
}

/// Bounds the time in which the body of a request must come, whichever handler reads it. actix-web
/// has no such limit.
pub(crate) async fn bound(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if let Payload::None = request.parts_mut().1 {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let unread = Rc::new(RefCell::new(request.take_payload()));
    request.set_payload(Payload::Stream { payload: Box::pin(limited(unread.clone())) });
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(response.map_body(|_, body| BoxBody::new(WithRequest { body, _request: unread })))
}

impl MessageBody for WithRequest {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

fn limited(body: Rc<RefCell<Payload>>) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let until = Instant::now() + PATIENCE;
    stream::unfold(Some(body), move |body| async move {
        let body = body?;
        let part = poll_fn(|context| body.borrow_mut().poll_next_unpin(context));
        match timeout_at(until, part).await {
            Ok(part) => Some((part?, Some(body))),
            Err(_) => Some((Err(PayloadError::Io(io::ErrorKind::TimedOut.into())), None)),
        }
    })
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
