//! Headers that every answer carries.

use actix_web::middleware::DefaultHeaders;

/// What pages may load: our own, and nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What else every answer has, beside the policy.
const COMMON: [(&str, &str); 5] = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];
const STRICT: (&str, &str) = ("Strict-Transport-Security", "max-age=63072000");

/// The security headers; those already set by a handler stay.
pub fn security(https: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new().add(("Content-Security-Policy", POLICY));
    COMMON.into_iter().chain(https.then_some(STRICT)).fold(headers, DefaultHeaders::add)
}
