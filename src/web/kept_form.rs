//! What was typed in a form that can't be taken any more, kept so that it can be sent again.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use crate::app::App;

/// What was typed in a form of ours that was opened before the person signed in or out: it is shown again, to be sent with
/// the present secret.
#[derive(Clone)]
pub struct KeptForm {
    /// Where the form goes.
    pub action: String,
    /// Field, value; without passwords.
    pub values: Vec<(String, String)>,
}

impl std::fmt::Debug for KeptForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptForm").field("action", &self.action).finish_non_exhaustive()
    }
}

impl KeptForm {
    /// Only for what a browser says that it comes from a page of this site: another site must not have its form sent by a
    /// button of ours.
    pub fn of(request: &HttpRequest, values: Vec<(String, String)>) -> Option<Arc<Self>> {
        let app = request.app_data::<web::Data<App>>()?;
        let origin = request.headers().get(header::ORIGIN)?.to_str().ok()?;
        if origin != app.config.base() {
            return None;
        }
        // Every field for a password ends so.
        let is_secret = |name: &str| name == "link" || name.ends_with("password");
        let values = values.into_iter().filter(|(name, _)| !is_secret(name)).collect();
        Some(Arc::new(Self { action: request.uri().path().to_owned(), values }))
    }
}
