//! The public log, as a stranger checks it: with a program that shares nothing with this one, in another language, written
//! from the specifications alone.

use std::process::Command;

use super::delivery::with_token;
use super::support::Gateway;

const CHECKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/check_log.py");

fn check(gateway: &Gateway, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("python3").arg(CHECKER).args(["--url", &gateway.url]).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn a_stranger_checks_key_checkpoint_tiles_proofs_and_export() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let mut kept = Vec::new();
    for round in 0..3 {
        let file = gateway.scratch().join(format!("checkpoint-{round}"));
        std::fs::write(&file, gateway.visitor().get("/log/checkpoint").await.body).unwrap();
        kept.push(file.display().to_string());
        for _ in 0..60 {
            assert_eq!(with_token(&gateway, &token, "/data/nih-chest-xray/README.txt").await.0, 200);
        }
    }
    gateway.cli_text(&["audit", "erase", "--person", "reviewer1@demo.example", "--yes"]);
    let export = gateway.scratch().join("events.jsonl");
    std::fs::write(&export, gateway.cli_text(&["audit", "export"])).unwrap();
    let mut arguments = vec!["--export", export.to_str().unwrap()];
    arguments.extend(kept.iter().flat_map(|file| ["--earlier", file.as_str()]));
    let (good, said) = check(&gateway, &arguments);
    assert!(good, "{said}");
    assert!(said.contains("earlier=3") && !said.contains("erased=0"), "{said}");
    let size: u64 = said.split("size=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(size > 300, "full tiles and unfinished ones: {said}");

    // It is not one that finds everything good.
    let text = std::fs::read_to_string(&export).unwrap();
    std::fs::write(&export, text.replacen("applicant", "applicanT", 1)).unwrap();
    let (good, said) = check(&gateway, &["--export", export.to_str().unwrap()]);
    assert!(!good && said.contains("bad:"), "{said}");
    let other = Gateway::start();
    let (good, said) = check(&other, &["--earlier", &kept[0]]);
    assert!(!good && said.contains("bad:"), "{said}");
}

#[tokio::test]
async fn proofs_of_what_is_not_there_are_refused() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    for wrong in [
        "inclusion?index=0&size=0",
        "inclusion?index=5&size=5",
        "inclusion?index=0&size=100000",
        "inclusion?index=-1&size=2",
        "inclusion?size=2",
        "consistency?old=0&new=2",
        "consistency?old=3&new=2",
        "consistency?old=1&new=100000",
        "consistency?old=1",
    ] {
        visitor.get(&format!("/log/proof/{wrong}")).await.is(400);
    }
    visitor.get("/log/proof/inclusion?index=0&size=1").await.is(200).says("\"proof\":[]");
}
