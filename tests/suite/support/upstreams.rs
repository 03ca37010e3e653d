//! Other servers that have a dataset's files: nginx, an S3 server, and one that misbehaves as it is told.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::{sha256, until};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program that listens; it ends with this value.
pub struct Program {
    child: Child,
    pub port: u16,
    _folder: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    async fn start(mut command: Command, port: u16, folder: TempDir) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tests/run installs it");
        let listens = || async { TcpStream::connect(("127.0.0.1", port)).ok().map(drop) };
        until("another server", listens).await;
        Self { child, port, _folder: folder }
    }

    /// nginx with the files of a folder.
    pub async fn nginx(files: &Path) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let home = folder.path().display();
        let config = format!(
            "daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;\n\
             uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;\n\
             server {{ listen 127.0.0.1:{port}; location / {{ root {}; }} }} }}\n",
            files.display()
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        command.args(["-e", "stderr", "-c"]).arg(folder.path().join("nginx.conf"));
        Self::start(command, port, folder).await
    }

    /// nginx with a folder of files, over TLS with the certificate in another one (`cert.pem`, `key.pem`); its address is
    /// `https://localhost` and the port.
    pub async fn nginx_tls(files: &Path, certificate: &Path) -> Self {
        let block = format!(
            "server {{ listen 443 ssl; server_name localhost; ssl_certificate {0}/cert.pem; \
             ssl_certificate_key {0}/key.pem; location / {{ root {1}; }} }}",
            certificate.display(),
            files.display()
        );
        Self::nginx_with(|port| block.replace("listen 443", &format!("listen 127.0.0.1:{port}"))).await
    }

    /// nginx before a gateway, with a server block as documented for `127.0.0.1:8080`, but without TLS.
    pub async fn nginx_before(server_block: &str, gateway: &str) -> Self {
        let plain: String = server_block
            .lines()
            .filter(|line| !line.trim_start().starts_with("ssl_"))
            .map(|line| line.to_owned() + "\n")
            .collect();
        let block = plain.replace("http://127.0.0.1:8080", &gateway.replace("localhost", "127.0.0.1"));
        Self::nginx_with(|port| block.replace("listen 443 ssl", &format!("listen 127.0.0.1:{port}"))).await
    }

    /// Caddy before a gateway, with a site as documented for `127.0.0.1:8080`, but without TLS.
    pub async fn caddy_before(site: &str, gateway: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let gateway = gateway.replace("http://localhost", "127.0.0.1");
        let site = site.replace("127.0.0.1:8080", &gateway);
        let site = site.replace("data.example.org {", &format!("http://127.0.0.1:{port} {{"));
        let file = folder.path().join("Caddyfile");
        std::fs::write(&file, format!("{{\n\tadmin off\n}}\n{site}")).unwrap();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
        // What it keeps.
        command.env("HOME", folder.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
        Self::start(command, port, folder).await
    }

    async fn nginx_with(server_block: impl Fn(u16) -> String) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let home = folder.path().display();
        let block = server_block(port);
        let config = format!(
            "daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;\n\
             uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;\n{block} }}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        command.args(["-e", "stderr", "-c"]).arg(folder.path().join("nginx.conf"));
        Self::start(command, port, folder).await
    }

    /// An S3 server, empty.
    pub async fn s3() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let program = std::env::var("TEST_COUNTERSIGN_S3")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target/moto/bin/moto_server").to_owned());
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        Self::start(command, port, folder).await
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Puts an object into a bucket, which is made if it is not there.
pub async fn put(server: &str, bucket: &str, key: &str, bytes: &[u8]) {
    let client = reqwest::Client::new();
    for (address, body) in
        [(format!("{server}/{bucket}"), Vec::new()), (format!("{server}/{bucket}/{key}"), bytes.to_vec())]
    {
        // It looks at no signature, but wants one.
        let signature = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, \
                         Signature=00";
        let request = client.put(address).header("content-type", "application/octet-stream").body(body);
        let request = request.header("authorization", signature);
        let status = request.send().await.unwrap().status();
        // The bucket may be there already.
        assert!(status.is_success() || status.as_u16() == 409, "{status}");
    }
}

/// What a server does to whoever asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    /// What it should.
    Good,
    /// Ends the connection after so many bytes of the body.
    Truncate(usize),
    /// Stops sending after so many bytes, and keeps the connection.
    Stall(usize),
    /// Answers 503, so many times.
    Unavailable(usize),
    /// Says another length than it has.
    Lie,
    /// Sends other bytes of the same length under the same tag.
    Swap,
    /// Does not know of ranges.
    NoRanges,
    /// Leads elsewhere.
    Redirect,
}

/// A server that misbehaves as it is told.
#[derive(Clone)]
pub struct Moody {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    files: HashMap<String, Vec<u8>>,
    mood: Mood,
    asked: usize,
}

impl Moody {
    /// With these files.
    pub fn start(files: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let files = files.iter().map(|(path, bytes)| (format!("/{path}"), bytes.to_vec())).collect();
        let state = Arc::new(Mutex::new(State { files, mood: Mood::Good, asked: 0 }));
        let shared = state.clone();
        // It ends with the tests' process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on it is like this.
    pub fn becomes(&self, mood: Mood) {
        let mut state = self.state.lock().unwrap();
        (state.mood, state.asked) = (mood, 0);
    }

    /// How often it was asked since it became what it is.
    pub fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    /// Changes a file.
    pub fn change(&self, path: &str, bytes: &[u8]) {
        self.state.lock().unwrap().files.insert(format!("/{path}"), bytes.to_vec());
    }
}

/// Answers the requests of one connection; a client that goes away ends it.
fn serve(stream: TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        let mut headers = HashMap::new();
        loop {
            let line = lines.next()?.ok()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let path = request.split(' ').nth(1)?.to_owned();
        let (file, mood) = {
            let mut state = state.lock().ok()?;
            state.asked += 1;
            let mood = match state.mood {
                Mood::Unavailable(times) if state.asked > times => Mood::Good,
                mood => mood,
            };
            (state.files.get(&path).cloned(), mood)
        };
        let Some(mut bytes) = file else {
            out.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").ok()?;
            continue;
        };
        let tag = format!("\"{}\"", &sha256(&bytes)[..16]);
        let plain = match mood {
            Mood::Unavailable(_) => Some("503 Service Unavailable"),
            Mood::Redirect => Some("302 Found\r\nLocation: /elsewhere"),
            _ if headers.get("if-match").is_some_and(|wanted| *wanted != tag) => Some("412 Precondition Failed"),
            _ => None,
        };
        if let Some(status) = plain {
            out.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).ok()?;
            continue;
        }
        if mood == Mood::Swap {
            for byte in &mut bytes {
                *byte ^= 1;
            }
        }
        let size = bytes.len();
        let range = headers.get("range").filter(|_| mood != Mood::NoRanges).and_then(|range| {
            let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
            Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?.min(size - 1)))
        });
        let (status, part, extra) = match range {
            Some((first, last)) => {
                ("206 Partial Content", &bytes[first..=last], format!("Content-Range: bytes {first}-{last}/{size}\r\n"))
            }
            None => ("200 OK", bytes.as_slice(), String::new()),
        };
        let length = if mood == Mood::Lie { part.len() + 5 } else { part.len() };
        let head = format!("HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Length: {length}\r\n{extra}\r\n");
        out.write_all(head.as_bytes()).ok()?;
        match mood {
            Mood::Truncate(count) => {
                out.write_all(&part[..count.min(part.len())]).ok()?;
                return None;
            }
            Mood::Stall(count) => {
                out.write_all(&part[..count.min(part.len())]).ok()?;
                std::thread::sleep(Duration::from_mins(2));
                return None;
            }
            _ => out.write_all(part).ok()?,
        }
    }
}
