//! What people do on the way to a download, in one call each.

use mail_parser::MessageParser;

use super::gateway::{APPLICANT, REVIEWER};
use super::visitor::{Visitor, between};
use super::{Gateway, until};

/// The dataset of the demo that needs review.
pub const NIH: &str = "nih-chest-xray";
/// The big file of it, and its SHA-256 as published with the torchxrayvision package.
pub const TABLE: &str = "Data_Entry_2017_v2020.csv";

/// A message that landed in the folder.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Gateway {
    /// All mail so far.
    pub fn mail(&self) -> Vec<Mail> {
        let Ok(folder) = std::fs::read_dir(self.data_dir().join("mail")) else { return Vec::new() };
        let read = |path: std::path::PathBuf| {
            let bytes = std::fs::read(path).ok()?;
            let message = MessageParser::default().parse(&bytes)?;
            Some(Mail {
                to: message.to()?.first()?.address()?.to_owned(),
                subject: message.subject()?.to_owned(),
                text: message.body_text(0)?.into_owned(),
                html: message.body_html(0)?.into_owned(),
            })
        };
        folder.filter_map(|entry| read(entry.ok()?.path())).collect()
    }

    /// Waits for mail to somebody whose subject has these words.
    pub async fn mail_to(&self, to: &str, subject: &str) -> Mail {
        until(&format!("mail to {to}: {subject}"), || async {
            self.mail().into_iter().find(|mail| mail.to == to && mail.subject.contains(subject))
        })
        .await
    }

    /// Signs the NIH dataset's agreement as the demo's applicant; gives the request's path.
    pub async fn submit(&self, applicant: &Visitor) -> String {
        submit_with(applicant, NIH, "Comparing methods for label noise in chest radiographs.").await
    }

    /// An applicant who may download the NIH dataset.
    pub async fn granted(&self) -> Visitor {
        let applicant = self.person(APPLICANT).await;
        let request = self.submit(&applicant).await;
        let reviewer = self.person(REVIEWER).await;
        decide(&reviewer, &request, "approve", "").await.is(200).says("Approved");
        applicant
    }

    /// A token for the NIH dataset, of an applicant who was just granted access.
    pub async fn token(&self) -> (Visitor, String) {
        let applicant = self.granted().await;
        let token = make_token(&applicant, &[NIH], "").await;
        (applicant, token)
    }

    /// Publishes a dataset of the given mode, with these files, and an agreement if it needs one.
    pub fn publish(&self, slug: &str, mode: &str, files: &[(&str, &[u8])]) -> std::path::PathBuf {
        let home = self.scratch().join(slug);
        let root = home.join("files");
        for (path, bytes) in files {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        std::fs::create_dir_all(&root).unwrap();
        let mut text = format!(
            "slug = \"{slug}\"\ntitle = {{ en = \"The {slug} data\", zh-TW = \"{slug} 資料\" }}\nsummary = \"Summary.\"\n\
             description = \"Description.\"\nlicence = \"CC0\"\npublisher = \"Us\"\nmode = \"{mode}\"\nroot = \"files\"\n"
        );
        if mode != "open" {
            text = format!("{text}agreements = [\"{slug}-terms\"]\nform = \"{slug}-form\"\n");
            self.publish_agreement(&format!("{slug}-terms"), "Be good.\n");
            self.publish_form(&format!("{slug}-form"), PURPOSE);
        }
        if mode == "approval" {
            text += "reviewers = [\"reviewer1@demo.example\", \"reviewer2@demo.example\"]\nquorum = 2\n";
        }
        let file = home.join("dataset.toml");
        std::fs::write(&file, text).unwrap();
        self.cli_text(&["dataset", "import", file.to_str().unwrap()]);
        file
    }

    /// Publishes an open dataset whose files are on another server; says what the command printed, and whether it went
    /// well.
    pub fn publish_at(&self, slug: &str, root: &str, manifest: Option<&str>) -> (bool, String) {
        self.publish_elsewhere(slug, "mode = \"open\"", root, manifest)
    }

    /// The same behind an agreement.
    pub fn publish_signed_at(&self, slug: &str, root: &str, manifest: Option<&str>) -> (bool, String) {
        self.publish_agreement(&format!("{slug}-terms"), "Be good.\n");
        self.publish_elsewhere(slug, &format!("mode = \"agreement\"\nagreements = [\"{slug}-terms\"]"), root, manifest)
    }

    fn publish_elsewhere(&self, slug: &str, mode: &str, root: &str, manifest: Option<&str>) -> (bool, String) {
        let home = self.scratch().join(slug);
        std::fs::create_dir_all(&home).unwrap();
        let mut text = format!(
            "slug = \"{slug}\"\ntitle = \"{slug}\"\nsummary = \".\"\ndescription = \".\"\nlicence = \"CC0\"\n\
             publisher = \"Us\"\npreview = \"rows\"\n{mode}\nroot = \"{root}\"\n"
        );
        if let Some(manifest) = manifest {
            std::fs::write(home.join("manifest"), manifest).unwrap();
            text.push_str("manifest = \"manifest\"\n");
        }
        let file = home.join("dataset.toml");
        std::fs::write(&file, text).unwrap();
        let output = self.cli(&["dataset", "import", file.to_str().unwrap()]);
        let said = [output.stdout, output.stderr].concat();
        let status = output.status;
        (status.success(), format!("{}{status}", String::from_utf8(said).unwrap()))
    }

    /// Publishes an agreement, or a new version of it, with this text.
    pub fn publish_agreement(&self, slug: &str, text: &str) {
        self.publish_version(slug, text, "");
    }

    /// The same with another line in its description; gives what the command printed.
    pub fn publish_version(&self, slug: &str, text: &str, line: &str) -> String {
        let home = self.scratch().join(slug);
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("en.md"), text).unwrap();
        let description = format!(
            "slug = \"{slug}\"\ntitle = \"Terms of {slug}\"\nstatement = \"I accept.\"\nconsent = \"I consent.\"\n\
             {line}\n[texts]\nen = \"en.md\"\n"
        );
        let file = home.join("agreement.toml");
        std::fs::write(&file, description).unwrap();
        self.cli_text(&["agreement", "publish", file.to_str().unwrap()])
    }

    /// Publishes a form, or a new version of it, with one section of these questions.
    pub fn publish_form(&self, slug: &str, questions: &str) {
        let home = self.scratch().join(slug);
        std::fs::create_dir_all(&home).unwrap();
        let file = home.join("form.toml");
        let description = format!("slug = \"{slug}\"\ntitle = \"Form\"\n[[sections]]\nid = \"all\"\n{questions}");
        std::fs::write(&file, description).unwrap();
        self.cli_text(&["form", "publish", file.to_str().unwrap()]);
    }
}

/// A question that every form of the tests asks.
pub const PURPOSE: &str =
    "[[sections.questions]]\nid = \"purpose\"\nkind = \"short\"\nrequired = true\nlabel = \"Purpose\"\n";

/// The fields of a signing form that are hidden: the agreement's version, the language, and the form's version.
pub async fn hidden(visitor: &Visitor, slug: &str) -> (String, String, String) {
    let page = visitor.get(&format!("/datasets/{slug}/request")).await;
    page.is(200);
    let form = between(&page.body, "name=\"form_version\" value=\"", "\"").unwrap_or_default();
    (page.between("name=\"version\" value=\"", "\""), page.between("name=\"language\" value=\"", "\""), form)
}

/// A purpose that is long enough to be judged.
pub fn long_enough(purpose: &str) -> String {
    format!("{purpose} There is more to say about it in the proposal.")
}

/// Fills in and signs the form of a dataset; gives the request's path.
pub async fn submit_with(applicant: &Visitor, slug: &str, purpose: &str) -> String {
    let answers = [("answer-purpose", purpose), ("answer-commercial", "no"), ("answer-ethics", "yes")];
    submit_answers(applicant, slug, &answers).await
}

/// The same with these answers.
pub async fn submit_answers(applicant: &Visitor, slug: &str, answers: &[(&str, &str)]) -> String {
    let (version, language, form) = hidden(applicant, slug).await;
    let purpose = long_enough(answers[0].1);
    let mut fields = vec![
        ("version", version.as_str()),
        ("language", &language),
        ("form_version", &form),
        ("project-title", "Label noise"),
        ("project-institution", "Demo Institute"),
        ("project-purpose", &purpose),
        ("accept", version.as_str()),
        ("consent", version.as_str()),
        ("typed_name", "Mei-Ling Chen"),
        // Whoever signs has been asked about it.
        ("name_asked", "Mei-Ling Chen"),
        ("do", "sign"),
    ];
    fields.extend(answers);
    let answer = applicant.post(&format!("/datasets/{slug}/request"), &fields).await;
    answer.is(200);
    let url = reqwest::Url::parse(&answer.url).unwrap();
    assert!(url.path().starts_with("/requests/"), "{}\n{}", answer.url, answer.body);
    url.path().to_owned()
}

/// Signs for oneself on a page that asks for nothing but that.
pub async fn sign_on(person: &Visitor, path: &str, name: &str) -> super::Answer {
    let page = person.get(path).await;
    let version = page.is(200).between("name=\"version\" value=\"", "\"");
    send_signature(person, path, name, &version).await
}

/// Sends a signature on a version.
pub async fn send_signature(person: &Visitor, path: &str, name: &str, version: &str) -> super::Answer {
    let fields = [
        ("version", version),
        ("language", "en"),
        ("accept", version),
        ("consent", version),
        ("typed_name", name),
        ("name_asked", name),
        ("do", "sign"),
    ];
    person.post(path, &fields).await
}

/// Decides on a request, given by its path.
pub async fn decide(reviewer: &Visitor, request: &str, verdict: &str, comment: &str) -> super::Answer {
    let review = request.replace("/requests/", "/review/");
    let page = reviewer.get(&review).await;
    page.is(200);
    let round = page.between("name=\"round\" value=\"", "\"");
    reviewer.post(&review, &[("verdict", verdict), ("comment", comment), ("round", &round)]).await
}

/// Makes a token on the account page.
pub async fn make_token(person: &Visitor, datasets: &[&str], paths: &str) -> String {
    let mut fields = vec![("name", "test"), ("days", "7"), ("paths", paths)];
    fields.extend(datasets.iter().map(|slug| ("datasets", *slug)));
    shown_token(&person.post("/account/tokens", &fields).await)
}

/// The token that a page shows, this once.
pub fn shown_token(page: &super::Answer) -> String {
    page.is(200);
    between(&page.body, "export COUNTERSIGN_TOKEN=", "</pre>")
        .map(|text| text.replace("&#39;", "").replace("&#x27;", "").replace('\'', ""))
        .expect("the token is shown")
}
