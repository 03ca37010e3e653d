//! A real browser: Chromium, driven by its own driver.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use super::until;

/// The program that drives Chromium; it ends with this value.
pub struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium-driver is installed");
        let status = format!("http://127.0.0.1:{port}/status");
        until("chromedriver", || async { reqwest::get(&status).await.ok().map(|_| ()) }).await;
        Self { child, port }
    }

    /// A browser with nothing in it, that prefers a language.
    pub async fn browser(&self, language: &str) -> Browser {
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--window-size=1280,900",
        ];
        let capabilities = json!({
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": { "intl.accept_languages": language, "intl.selected_languages": language },
            },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .expect("Chromium starts");
        Browser { client }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the browser's own commands.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

/// A browser window.
pub struct Browser {
    client: Client,
}

impl Browser {
    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn url(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// All that the page says.
    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap()
    }

    /// Types into a field, over what is there.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = self.client.find(Locator::Css(&format!("[name='{name}']"))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses a file in a field.
    pub async fn choose(&self, name: &str, path: &std::path::Path) {
        let field = self.client.find(Locator::Css(&format!("[name='{name}']"))).await.unwrap();
        field.send_keys(path.to_str().unwrap()).await.unwrap();
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Ticks a box, if it is not ticked already.
    pub async fn tick(&self, id: &str) {
        let script = format!("return document.getElementById('{id}').checked");
        if self.client.execute(&script, vec![]).await.unwrap() != json!(true) {
            self.click(&format!("#{id}"), "main").await;
        }
    }

    /// Clicks, and waits for what must be there afterwards.
    pub async fn click(&self, what: &str, then: &str) {
        let element = self.client.find(Locator::Css(what)).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        self.wait_for(then).await;
    }

    /// Waits for something on the page.
    pub async fn wait_for(&self, what: &str) {
        let wait = self.client.wait().at_most(super::DEADLINE).for_element(Locator::Css(what)).await;
        if let Err(error) = wait {
            panic!("{what} did not come ({error}); at {}:\n{}", self.url().await, self.text().await);
        }
    }

    /// A field's or element's value.
    pub async fn value(&self, what: &str) -> String {
        let element = self.client.find(Locator::Css(what)).await.unwrap();
        element.prop("value").await.unwrap().unwrap_or_default()
    }

    async fn tools(&self, command: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(DevTools(command, parameters)).await.unwrap()
    }

    /// As a screen this wide, in a theme.
    pub async fn look(&self, width: u32, theme: &str) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.tools("Emulation.setDeviceMetricsOverride", metrics).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
        self.tools("Emulation.setEmulatedMedia", media).await;
    }

    /// The whole page as a picture, in the folder that `TEST_COUNTERSIGN_PICTURES` names; none without it, for it takes long.
    pub async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("TEST_COUNTERSIGN_PICTURES").map(PathBuf::from) else { return };
        let height = self.client.execute("return document.documentElement.scrollHeight", vec![]).await.unwrap();
        let width = self.client.execute("return window.innerWidth", vec![]).await.unwrap();
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let shot = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.tools("Page.captureScreenshot", shot).await;
        let bytes = BASE64.decode(answer["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// How many pixels the page is wider than its window: what one would have to scroll sideways.
    pub async fn overflow(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - window.innerWidth";
        self.client.execute(script, vec![]).await.unwrap().as_i64().unwrap()
    }

    /// What the accessibility checker finds (WCAG 2.2 AA and its best practices), as text; empty when nothing.
    pub async fn accessibility(&self) -> String {
        let file = std::env::var("TEST_COUNTERSIGN_AXE")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe-core/package/axe.min.js").to_owned());
        let source =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}; run tests/run once"));
        // A page keeps it until the next one; half a megabyte need not be sent for each screen.
        if self.client.execute("return typeof axe", vec![]).await.unwrap() != "object" {
            self.client.execute(&format!("{source};"), vec![]).await.unwrap();
        }
        let script = "const done = arguments[arguments.length - 1]; \
             axe.run(document).then(r => done(JSON.stringify(r.violations.map(v => \
             v.id + ': ' + v.help + '\\n' + v.nodes.map(n => '  ' + n.html + '\\n  ' + n.failureSummary).join('\\n')))), e => done(String(e)))";
        let answer = self.client.execute_async(script, vec![]).await.unwrap();
        let found: Vec<String> =
            serde_json::from_str(answer.as_str().unwrap()).unwrap_or_else(|_| vec![answer.to_string()]);
        found.join("\n")
    }

    /// Signs in.
    pub async fn sign_in(&self, base: &str, email: &str, password: &str) {
        self.goto(&format!("{base}/login")).await;
        self.fill("email", email).await;
        self.fill("password", password).await;
        self.click("main form button", "a[href='/account']").await;
    }

    pub async fn close(self) {
        self.client.close().await.unwrap();
    }
}
