//! What every request means for its connection.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;

use super::app::App;
use super::body;

/// Bounds the time of the request's body, and closes the connection after the response while the
/// worker drains: a client that reads this header sends its next request elsewhere, instead of losing
/// it on a connection that is being closed.
pub(crate) async fn keep_or_close(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let app = App::of(request.request()).clone();
    let unread = body::bound(&mut request);
    let mut response = next.call(request).await?.map_into_boxed_body();
    if app.drain.has_begun() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(match unread {
        Some(unread) => unread.keep(response),
        None => response,
    })
}
