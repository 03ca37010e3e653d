//! A program that speaks the JSON API.

use reqwest::{Client, Method};
use serde_json::Value;

use super::Visitor;

/// A program with a token, or without one.
#[derive(Clone)]
pub struct Program {
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub json: Value,
}

impl Reply {
    /// Fails unless this is the status.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{:#}", self.json);
        self
    }

    /// A text in the JSON.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> &str {
        let found = self.json.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("nothing at {pointer}: {:#}", self.json))
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Program {
    /// A program with a token.
    pub fn new(base: &str, token: Option<String>) -> Self {
        Self { base: base.to_owned(), token }
    }

    /// The token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// One request.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.call_with(method, path, body, &[]).await
    }

    /// One request with more headers.
    pub async fn call_with(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = Client::new().request(method, format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let is_file = headers.contains_key("content-disposition");
        let json = if text.is_empty() || is_file { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Reply { status, headers, json }
    }

    /// Hands in bytes.
    pub async fn send_bytes(&self, path: &str, bytes: &[u8]) -> Reply {
        let request = Client::new().post(format!("{}/api/v1{path}", self.base)).bearer_auth(self.token());
        let request = request.header("content-type", "application/octet-stream").body(bytes.to_vec());
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, json: serde_json::from_str(&response.text().await.unwrap()).unwrap() }
    }

    /// Reads bytes.
    pub async fn bytes(&self, path: &str) -> (u16, Vec<u8>) {
        let response =
            Client::new().get(format!("{}{path}", self.base)).bearer_auth(self.token()).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    /// Sends.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }
}

/// Makes a token for the API with these scopes, on its page.
pub async fn api_token(visitor: &Visitor, password: &str, scopes: &[&str]) -> String {
    let scopes = scopes.iter().map(|scope| ("scope", *scope));
    let fields: Vec<(&str, &str)> =
        [("name", "a program"), ("days", "2"), ("password", password)].into_iter().chain(scopes).collect();
    let made = visitor.post("/account/tokens/api", &fields).await;
    made.is(200).between("readonly rows=\"6\">", "</textarea>")
}
