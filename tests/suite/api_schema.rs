//! What the description of the API promises, asked many times at random: no operation breaks, and none answers what is not
//! described.

use std::process::Command;

use super::support::Gateway;
use super::support::api::api_token;
use super::support::gateway::{APPLICANT, AUDITOR, STEWARD};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_breaks_or_answers_what_is_not_described() {
    let program = std::env::var("TEST_COUNTERSIGN_SCHEMATHESIS").expect("tests/run installs it and names it here");
    let gateway = Gateway::start();
    let mut running = Vec::new();
    for account in [APPLICANT, STEWARD, AUDITOR] {
        let visitor = gateway.person(account).await;
        let scopes = ["read", "apply", "review", "steward", "audit"];
        let token = api_token(&visitor, &gateway.accounts[account].password, &scopes).await;
        let mut command = Command::new(&program);
        command.arg("run").arg(format!("{}/api/openapi.json", gateway.url));
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
        command.args(["--phases", "coverage,fuzzing", "--max-examples", "5", "--seed", "1", "--no-color"]);
        command.args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ]);
        running.push(tokio::task::spawn_blocking(move || command.current_dir(std::env::temp_dir()).output().unwrap()));
    }
    for asked in running {
        let output = asked.await.unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains("passed"), "{said}");
    }
    gateway.verify_log();
}
