//! What pages can do, programs can do: every form of the route table has an operation of the API or a reason to have none, and
//! every operation that changes something has a form.

use std::collections::BTreeSet;

use serde_json::Value;

use super::support::Gateway;

/// Forms, and the operations that do the same.
const BOTH: &[(&str, &str)] = &[
    ("/datasets/{slug}/request", "POST /datasets/{slug}/requests"),
    ("/datasets/{slug}/request", "POST /uploads"),
    ("/projects/new", "POST /projects"),
    ("/projects/{id}/edit", "PUT /projects/{id}"),
    ("/projects/{id}/end", "POST /projects/{id}/end"),
    ("/projects/{id}/members", "POST /projects/{id}/members"),
    ("/projects/{id}/members/remove", "DELETE /projects/{id}/members/{email}"),
    ("/projects/{id}/join", "POST /projects/{id}/join"),
    ("/projects/{id}/leave", "POST /projects/{id}/leave"),
    ("/requests/{id}/sign", "POST /requests/{id}/signatures"),
    ("/requests/{id}/new-versions", "POST /requests/{id}/new-versions"),
    ("/requests/{id}/withdraw", "POST /requests/{id}/withdraw"),
    ("/review/{id}", "POST /review/{id}/decisions"),
    ("/review", "POST /review/decisions"),
    ("/review/{id}/members/remove", "POST /review/{id}/exclusions"),
    ("/review/{id}/recusals", "POST /review/{id}/recusals"),
    ("/review/{id}/recusals/lift", "POST /review/{id}/recusals/lift"),
    ("/account/tokens", "POST /tokens"),
    ("/account/tokens/{id}/revoke", "DELETE /tokens/{id}"),
    ("/manage/join/{organisation}", "POST /manage/organisations/{organisation}/join"),
    ("/manage/new-dataset/{organisation}", "POST /manage/organisations/{organisation}/datasets"),
    ("/manage/datasets/{slug}/edit", "PUT /manage/datasets/{slug}"),
    ("/manage/datasets/{slug}/publish", "POST /manage/datasets/{slug}/publish"),
    ("/manage/datasets/{slug}/files", "POST /manage/datasets/{slug}/imports"),
    ("/manage/datasets/{slug}/releases/{number}", "POST /manage/datasets/{slug}/releases/{number}"),
    ("/manage/datasets/{slug}/imports/{id}/cancel", "POST /manage/datasets/{slug}/imports/{id}/cancel"),
    ("/manage/datasets/{slug}/retirement", "POST /manage/datasets/{slug}/retirement"),
    ("/manage/datasets/{slug}/suspension", "POST /manage/datasets/{slug}/suspension"),
    ("/manage", "POST /manage/suspensions"),
    ("/manage/datasets/{slug}/offer", "POST /manage/datasets/{slug}/offer"),
    ("/manage/datasets/{slug}/answer", "POST /manage/datasets/{slug}/accept"),
    ("/manage/datasets/{slug}/answer", "DELETE /manage/datasets/{slug}/offer"),
    ("/manage/grants/{id}/end", "POST /manage/grants/{id}/end"),
    ("/manage/grants/{id}/suspension", "POST /manage/grants/{id}/suspension"),
    ("/manage/grants/{id}/revoke", "POST /manage/grants/{id}/revoke"),
    ("/manage/grants/revoke", "POST /manage/grants/revoke"),
    ("/manage/new-agreement/{organisation}", "POST /manage/organisations/{organisation}/agreements"),
    ("/manage/agreements/{organisation}/{agreement}", "POST /manage/organisations/{organisation}/agreements"),
    (
        "/manage/agreements/{organisation}/{agreement}/sign-by",
        "PUT /manage/organisations/{organisation}/agreements/{agreement}/sign-by",
    ),
    ("/manage/new-form/{organisation}", "POST /manage/organisations/{organisation}/forms"),
    ("/manage/forms/{organisation}/{form}", "POST /manage/organisations/{organisation}/forms"),
    ("/manage/new-committee/{organisation}", "POST /manage/organisations/{organisation}/committees"),
    (
        "/manage/committees/{organisation}/{committee}",
        "PUT /manage/organisations/{organisation}/committees/{committee}",
    ),
    ("/manage/members/{organisation}", "POST /manage/organisations/{organisation}/members"),
    ("/manage/members/{organisation}/role", "PUT /manage/organisations/{organisation}/members/{email}"),
    ("/manage/members/{organisation}/remove", "DELETE /manage/organisations/{organisation}/members/{email}"),
    ("/manage/holidays/{organisation}", "PUT /manage/organisations/{organisation}/holidays"),
    ("/manage/about/{organisation}", "PUT /manage/organisations/{organisation}"),
];

const IDENTITY: &str = "how somebody signs in is changed by themselves alone, in a browser";
const RUNNING: &str = "whoever runs the gateway has a browser and the command line; no token has that scope";

/// Forms without an operation, and why.
const PAGES_ALONE: &[(&str, &str)] = &[
    ("/register", IDENTITY),
    ("/verify", IDENTITY),
    ("/verify/again", IDENTITY),
    ("/login", IDENTITY),
    ("/logout", IDENTITY),
    ("/password/forgot", IDENTITY),
    ("/password/reset", IDENTITY),
    ("/account", IDENTITY),
    ("/account/password", IDENTITY),
    ("/account/email", IDENTITY),
    ("/account/email/confirm", IDENTITY),
    ("/account/sessions/end-others", IDENTITY),
    ("/account/tokens/api", "a token that makes tokens would outlive its own end"),
    ("/admin/organisations", RUNNING),
    ("/admin/organisations/{slug}", RUNNING),
    ("/admin/people", RUNNING),
    ("/admin/people/{id}", RUNNING),
    ("/admin/audit/export", "the command line exports the whole log, `GET /audit` reads it page by page"),
];

#[tokio::test]
async fn what_pages_do_programs_can_do_and_the_other_way_round() {
    let routes = include_str!("../../src/web/routes.rs");
    let mut forms = BTreeSet::new();
    for call in [".service(form(", ".service(page_and_form("] {
        for (at, _) in routes.match_indices(call) {
            let path = routes[at + call.len()..].split('"').nth(1).unwrap();
            forms.insert(path);
        }
    }
    assert!(forms.len() > 40, "{forms:?}");
    let known: BTreeSet<&str> = BOTH.iter().chain(PAGES_ALONE).map(|(form, _)| *form).collect();
    assert_eq!(forms.symmetric_difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "forms");
    let gateway = Gateway::start();
    let text = reqwest::get(format!("{}/api/openapi.json", gateway.url)).await.unwrap().text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut changes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").unwrap();
        let methods = item.as_object().unwrap().keys().filter(|method| *method != "get");
        changes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let named: BTreeSet<String> = BOTH.iter().map(|(_, operation)| (*operation).to_owned()).collect();
    assert_eq!(changes.symmetric_difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "operations");
}
