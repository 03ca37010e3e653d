//! Somebody with a browser that has no JavaScript: cookies, pages, forms.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, future, stream};
use reqwest::cookie::Jar;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode};

/// For how long a connection is used again. Well below the limit of the gateway.
const RESTS: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub url: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        Self {
            status: response.status(),
            url: response.url().to_string(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// Fails unless the page says this.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "{} {} does not say {text:?}:\n{}", self.status, self.url, self.body);
        self
    }

    /// Fails if the page says this.
    #[track_caller]
    pub fn says_not(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{} {} says {text:?}:\n{}", self.status, self.url, self.body);
        self
    }

    /// Fails unless this is the status.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}:\n{}", self.url, self.body);
        self
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// What stands between two pieces of text.
    #[track_caller]
    pub fn between(&self, before: &str, after: &str) -> String {
        between(&self.body, before, after).unwrap_or_else(|| panic!("no {before}…{after} in:\n{}", self.body))
    }
}

/// What stands between two pieces of text.
pub fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    Some(text[start..start + length].to_owned())
}

/// Somebody with a browser.
#[derive(Clone)]
pub struct Visitor {
    client: Client,
    /// With the same cookies, but it follows no redirects.
    quiet: Client,
    base: String,
}

impl Visitor {
    pub fn new(base: &str) -> Self {
        Self::speaking(base, "en")
    }

    /// Whose browser prefers a language.
    pub fn speaking(base: &str, language: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"));
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(language).unwrap());
        let cookies = Arc::new(Jar::default());
        // The gateway ends connections that rest, and a request that is sent at that very moment gets no answer.
        let builder = || {
            let client = Client::builder().cookie_provider(cookies.clone()).default_headers(headers.clone());
            client.pool_idle_timeout(RESTS)
        };
        let client = builder().build().unwrap();
        let quiet = builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, quiet, base: base.to_owned() }
    }

    fn address(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(self.address(path)).send().await.unwrap()).await
    }

    /// Raw bytes, for downloads.
    pub async fn bytes(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let response = self.client.get(self.address(path)).send().await.unwrap();
        (response.status(), response.bytes().await.unwrap().to_vec())
    }

    /// The secret that this visitor's forms carry.
    pub async fn form_token(&self) -> String {
        self.get("/login").await.between("name=\"form_token\" value=\"", "\"")
    }

    /// Posts a form of this site.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token().await;
        let mut fields = fields.to_vec();
        fields.push(("form_token", &token));
        self.post_raw(path, &fields).await
    }

    /// Posts exactly these fields.
    pub async fn post_raw(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        Answer::of(self.client.post(self.address(path)).form(&fields).send().await.unwrap()).await
    }

    /// Posts exactly these fields as a script of the page does, which wants no page.
    pub async fn post_as_script(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.client.post(self.address(path)).header(ACCEPT, "application/json").form(&fields);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Posts any body.
    pub async fn post_body(&self, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = self.client.post(self.address(path)).header("content-type", kind).body(body);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Posts a body that comes as it comes.
    pub async fn post_body_of(&self, path: &str, kind: &str, body: reqwest::Body) -> Answer {
        let request = self.client.post(self.address(path)).header("content-type", kind).body(body);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Posts any body as a page of this site does.
    pub async fn post_from_here(&self, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = self.client.post(self.address(path)).header("content-type", kind).header("origin", &self.base);
        Answer::of(request.body(body).send().await.unwrap()).await
    }

    /// Begins to post a body whose end is held back until `rest` says so.
    pub fn post_slowly(
        &self,
        path: &str,
        body: String,
        rest: tokio::sync::oneshot::Receiver<()>,
    ) -> impl Future<Output = Answer> + Send + 'static {
        let middle = body.len() / 2;
        let (first, second) = (body[..middle].to_owned(), body[middle..].to_owned());
        let second = async move {
            rest.await.unwrap();
            Ok::<_, std::io::Error>(second)
        };
        let chunks = stream::once(future::ready(Ok(first))).chain(stream::once(second));
        let request = self.client.post(self.address(path)).body(reqwest::Body::wrap_stream(chunks));
        let request = request.header("content-type", "application/x-www-form-urlencoded").header("origin", &self.base);
        async move { Answer::of(request.send().await.unwrap()).await }
    }

    /// The forms' secret, if the gateway answers.
    pub async fn try_form_token(&self) -> Option<String> {
        let response = self.client.get(self.address("/login")).send().await.ok()?;
        between(&response.text().await.ok()?, "name=\"form_token\" value=\"", "\"")
    }

    /// Posts exactly these fields, if the gateway answers.
    pub async fn try_post(&self, path: &str, fields: &[(&str, &str)]) -> Option<StatusCode> {
        Some(self.client.post(self.address(path)).form(&fields).send().await.ok()?.status())
    }

    /// Posts exactly these fields and follows no redirect; only the status counts.
    pub async fn try_post_quietly(&self, path: &str, fields: &[(&str, &str)]) -> StatusCode {
        self.quiet.post(self.address(path)).form(&fields).send().await.unwrap().status()
    }

    pub async fn sign_in(&self, email: &str, password: &str) {
        let answer = self.post("/login", &[("email", email), ("password", password), ("next", "/account")]).await;
        answer.is(200);
        assert!(answer.url.ends_with("/account"), "{}", answer.url);
    }
}
