//! Texts in several languages, as the description of the API shows them.

use std::borrow::Cow;

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::localised::Localised;

impl PartialSchema for Localised {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let texts = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(text));
        let description = "A text in one or more languages, by BCP 47 tag: `en`, `zh-TW`.";
        texts.description(Some(description)).into()
    }
}

impl ToSchema for Localised {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Texts")
    }
}
