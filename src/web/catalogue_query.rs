//! What the catalogue is asked for in an address, such as `/?q=x-ray&mode=open&mode=agreement&sort=changed`.

use crate::domain::catalogue::{Facet, FacetChoices, Order};
use crate::domain::search::Query;
use crate::store::Cursor;
use crate::views::datasets::Search;
use crate::web::error::WebError;
use crate::web::pages::tidy;

/// The longest value of a facet, in bytes: a licence of 300 characters. A longer one is cut; no dataset has it.
const VALUE_MAX: usize = 1_200;

/// What the catalogue is asked for.
#[derive(Clone, Debug, Default)]
pub struct CatalogueQuery {
    /// The words, as typed.
    pub q: String,
    /// What it is narrowed to.
    pub choices: FacetChoices,
    /// The order of the list.
    pub order: Order,
    /// After which dataset the page begins.
    pub after: Option<Cursor>,
}

impl CatalogueQuery {
    /// Reads the query of an address. A parameter may stand in it more than once; unknown ones are ignored.
    ///
    /// # Errors
    /// [`WebError::BadRequest`] for a word or cursor that there is not.
    pub fn parse(query: &str) -> Result<Self, WebError> {
        const WRONG: WebError = WebError::BadRequest("problem-bad-request-detail");
        let mut parsed = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                _ if value.trim().is_empty() => {}
                "q" => parsed.q = tidy(Some(&value)),
                "sort" => parsed.order = value.parse().map_err(|_| WRONG)?,
                "after" => parsed.after = Some(value.parse().map_err(|_| WRONG)?),
                name => {
                    let Ok(facet) = name.parse::<Facet>() else { continue };
                    let value = &value[..value.floor_char_boundary(VALUE_MAX)];
                    if !facet.accepts(value) {
                        return Err(WRONG);
                    }
                    parsed.choices.add(facet, value);
                }
            }
        }
        Ok(parsed)
    }

    /// What is searched for.
    pub fn search(&self) -> Search {
        Search { query: Query::parse(&self.q), choices: self.choices.clone(), order: self.order }
    }

    /// Whether it is narrowed by anything.
    pub fn is_narrowed(&self) -> bool {
        !self.q.is_empty() || !self.choices.is_empty()
    }

    /// The address that asks for it, without a cursor.
    pub fn address(&self, after: Option<&Cursor>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.q.is_empty() {
            query.append_pair("q", &self.q);
        }
        for (facet, value) in self.choices.iter() {
            query.append_pair(facet.as_str(), value);
        }
        if self.order != Order::default() {
            query.append_pair("sort", self.order.as_str());
        }
        if let Some(after) = after {
            query.append_pair("after", &after.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back() {
        let address = "/?q=x-ray&mode=open&mode=agreement&tag=%E6%95%99%E8%82%B2&sort=changed";
        let query = CatalogueQuery::parse(address.strip_prefix("/?").unwrap()).unwrap();
        assert!(query.choices.has(Facet::Tag, "教育") && query.choices.has(Facet::Mode, "open"));
        assert_eq!(query.address(None), "/?q=x-ray&mode=agreement&mode=open&tag=%E6%95%99%E8%82%B2&sort=changed");
        assert_eq!(CatalogueQuery::parse("nobody=x&tag=").unwrap().address(None), "/");
        for wrong in ["mode=closed", "sort=up", "after=x", "size=1"] {
            assert!(CatalogueQuery::parse(wrong).is_err(), "{wrong}");
        }
        let many = (0..1_000).map(|n| format!("tag={n}")).collect::<Vec<_>>().join("&");
        assert_eq!(CatalogueQuery::parse(&many).unwrap().choices.iter().count(), 100, "each link repeats them");
        let long = CatalogueQuery::parse(&format!("tag=x{}", "育".repeat(VALUE_MAX))).unwrap();
        assert!(long.address(None).len() < 4 * VALUE_MAX);
    }
}
