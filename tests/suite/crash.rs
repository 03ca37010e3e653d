//! `kill -9` again and again while people decide and clients download. Nothing that was acknowledged is lost, and no byte
//! came without its admission.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;

use super::support::gateway::{APPLICANT, REVIEWER};
use super::support::people::{NIH, make_token};
use super::support::{Gateway, Visitor, until};

const ROUNDS: usize = 8;
const CLIENTS: usize = 6;

/// Downloads until told to stop; counts the files of which a byte came, by name.
async fn download(base: String, token: String, client: usize, received: Arc<Mutex<HashMap<String, u64>>>) {
    let http = reqwest::Client::new();
    loop {
        // Each client its own name, so that its requests are told apart in the log.
        let path = format!("{base}/data/{NIH}/README.txt");
        let request = http.get(path).bearer_auth(&token).header("user-agent", format!("client-{client}"));
        let Ok(response) = request.send().await else { return };
        if response.status() != 200 {
            continue;
        }
        let mut stream = response.bytes_stream();
        if let Some(Ok(bytes)) = stream.next().await
            && !bytes.is_empty()
        {
            *received.lock().unwrap().entry(format!("client-{client}")).or_default() += 1;
        }
        while let Some(Ok(_)) = stream.next().await {}
    }
}

/// Saves profiles and waits for each to be acknowledged; the last one that was.
async fn decide(person: Visitor, round: usize, acknowledged: Arc<Mutex<Option<String>>>) {
    for n in 0.. {
        let name = format!("Jonas {} {}", "I".repeat(round + 1), n);
        let token = {
            // The gateway may be gone at any moment; then this task ends with it.
            let Ok(page) = tokio::time::timeout(Duration::from_secs(5), person.try_form_token()).await else { return };
            let Some(token) = page else { return };
            token
        };
        let fields = [("name", name.as_str()), ("affiliation", ""), ("language", "en"), ("form_token", &token)];
        match person.try_post("/account", &fields).await {
            Some(status) if status == 200 => *acknowledged.lock().unwrap() = Some(name),
            _ => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_leaves_unrecorded() {
    let mut gateway = Gateway::start();
    gateway.granted().await;
    let applicant = gateway.person(APPLICANT).await;
    let token = make_token(&applicant, &[NIH], "").await;
    let received = Arc::new(Mutex::new(HashMap::new()));
    for round in 0..ROUNDS {
        let acknowledged = Arc::new(Mutex::new(None));
        let reviewer = gateway.person(REVIEWER).await;
        let mut tasks: Vec<_> = (0..CLIENTS)
            .map(|client| tokio::spawn(download(gateway.url.clone(), token.clone(), client, received.clone())))
            .collect();
        tasks.push(tokio::spawn(decide(reviewer, round, acknowledged.clone())));
        let enough = received.lock().unwrap().values().sum::<u64>() + 30 + 17 * round as u64;
        until("downloads", || async { (received.lock().unwrap().values().sum::<u64>() >= enough).then_some(()) }).await;
        gateway.kill();
        for task in tasks {
            task.await.unwrap();
        }
        gateway.start_again();
        gateway.verify_log();
        let last = acknowledged.lock().unwrap().clone();
        if let Some(name) = last {
            // The very last one that was acknowledged is there; one after it may have been recorded unanswered.
            let page = gateway.person(REVIEWER).await.get("/account").await;
            let shown = page.between("id=\"name\" name=\"name\" type=\"text\" value=\"", "\"");
            let number = |name: &str| name.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
            assert!(number(&shown) >= number(&name), "{shown} is there, {name} was acknowledged");
        }
    }
    let mut admitted: HashMap<String, u64> = HashMap::new();
    for download in gateway.downloads() {
        *admitted.entry(download.user_agent).or_default() += 1;
    }
    let received = received.lock().unwrap();
    assert_eq!(received.len(), CLIENTS);
    for (client, bytes) in received.iter() {
        assert!(admitted[client] >= *bytes, "{client}: bytes came {bytes} times, admitted {} times", admitted[client]);
    }
}
