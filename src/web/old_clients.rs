//! Clients that speak HTTP/1.0, among them some that embed older libraries.

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Version};
use actix_web::middleware::Next;

/// Sends them bodies of unknown length without chunks, which they don't know (RFC 9112 section 6.1): the end of the
/// connection is the end of the body.
pub async fn without_chunks<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let is_old = request.version() < Version::HTTP_11;
    let mut answer = next.call(request).await?;
    if is_old && matches!(answer.response().body().size(), BodySize::Stream) {
        let head = answer.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(answer)
}
