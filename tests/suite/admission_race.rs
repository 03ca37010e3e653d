//! Revocation against sixty-four clients that download, thousands of times: by the order of the log nothing is admitted
//! after what allowed it was revoked, and no client got a byte that the log does not know of.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;

use super::support::downloads::downloads;
use super::support::gateway::{APPLICANT, STEWARD};
use super::support::people::{make_token, submit_with};
use super::support::{Gateway, Visitor};

const CLIENTS: usize = 64;
/// Times the dataset is suspended and restored.
const SUSPENSIONS: usize = 2_000;
/// Tokens that are made and revoked.
const TOKENS: usize = 150;

/// Bytes by request; each has a user agent of its own.
type Received = Arc<Mutex<HashMap<String, u64>>>;

/// Downloads with whatever token there is, until told to stop.
async fn download(url: String, n: usize, token: watch::Receiver<String>, received: Received, stop: Arc<AtomicBool>) {
    let client = reqwest::Client::new();
    let mut k = 0;
    while !stop.load(Ordering::Relaxed) {
        k += 1;
        let agent = format!("client-{n}-{k}");
        let credential = token.borrow().clone();
        let request = client.get(&url).bearer_auth(credential).header("user-agent", &agent);
        let Ok(response) = request.send().await else { continue };
        if response.status() != 200 {
            // So that refusals are not all that the gateway is busy with.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        }
        let mut bytes = 0;
        let mut stream = response.bytes_stream();
        while let Some(Ok(piece)) = stream.next().await {
            bytes += piece.len() as u64;
        }
        received.lock().unwrap().insert(agent, bytes);
    }
}

async fn revoke_all(gateway: &Gateway, applicant: &Visitor, current: &watch::Sender<String>) {
    let steward = gateway.person(STEWARD).await;
    let form = steward.form_token().await;
    let suspension = "/manage/datasets/race/suspension";
    for _ in 0..SUSPENSIONS {
        for what in ["suspend", "restore"] {
            let fields = [("do", what), ("reason", "Race."), ("form_token", &form)];
            let status = steward.try_post_quietly(suspension, &fields).await;
            assert!(status.is_redirection() || status.is_success(), "{what}: {status}");
        }
    }
    for _ in 0..TOKENS {
        let fresh = make_token(applicant, &["race"], "").await;
        current.send_replace(fresh);
        let page = applicant.get("/account/tokens").await;
        let id = page.between("action=\"/account/tokens/", "/revoke");
        applicant.post(&format!("/account/tokens/{id}/revoke"), &[]).await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_admitted_after_its_revocation() {
    let gateway = Gateway::start_with(&[
        ("COUNTERSIGN_LIMITS_TOKEN_REQUESTS", "0"),
        ("COUNTERSIGN_LIMITS_ADDRESS_REQUESTS", "0"),
    ]);
    gateway.publish("race", "agreement", &[("file.bin", &vec![7; 200 * 1024])]);
    let applicant = gateway.person(APPLICANT).await;
    submit_with(&applicant, "race", "Racing.").await;
    let (current, token) = watch::channel(make_token(&applicant, &["race"], "").await);
    let (received, stop) = (Received::default(), Arc::new(AtomicBool::new(false)));
    let url = format!("{}/data/race/file.bin", gateway.url);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| tokio::spawn(download(url.clone(), n, token.clone(), received.clone(), stop.clone())))
        .collect();
    revoke_all(&gateway, &applicant, &current).await;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    gateway.all_downloads_ended().await;

    // The log, read in its order by what knows only what the events mean.
    let mut suspended = false;
    let mut revoked: HashMap<String, u64> = HashMap::new();
    let (mut suspensions, mut admissions) = (0, 0);
    let events = gateway.events();
    for line in &events {
        let event = &line["event"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        match event["action"].as_str().unwrap() {
            "dataset.suspended" => {
                suspended = true;
                suspensions += 1;
            }
            "dataset.restored" => suspended = false,
            "token.revoked" => {
                revoked.insert(text(&event["subject"]), line["index"].as_u64().unwrap());
            }
            "download.admitted" => {
                admissions += 1;
                let token = text(&event["details"]["token"]);
                assert!(!suspended, "admitted while suspended: {line}");
                assert!(!revoked.contains_key(&token), "admitted after {token} was revoked: {line}");
            }
            _ => {}
        }
    }
    assert_eq!((suspensions, revoked.len()), (SUSPENSIONS, TOKENS));
    assert!(admissions > CLIENTS, "{admissions}");
    let recorded: HashMap<String, u64> =
        downloads(&events).into_iter().map(|download| (download.user_agent, download.end.unwrap().bytes)).collect();
    for (agent, got) in received.lock().unwrap().iter() {
        let known = recorded.get(agent).unwrap_or_else(|| panic!("{agent} got {got} bytes without an admission"));
        assert!(got <= known, "{agent} got {got} bytes, the log knows of {known}");
    }
    gateway.verify_log();
}
