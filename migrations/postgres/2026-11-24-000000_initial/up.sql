-- Times are microseconds since 1970, UTC. Ids are UUID v7 in text. JSON is text.

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    affiliation TEXT,
    language TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    email_verified_at BIGINT,
    suspended_at BIGINT,
    administrator BOOLEAN NOT NULL,
    auditor BOOLEAN NOT NULL,
    -- Name, institution and address, folded for searching.
    search TEXT NOT NULL,
    -- The beginning of the name, folded, to be put in order by.
    name_key TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX people_newest ON people (created_at, id);
CREATE INDEX people_by_name ON people (name_key, id);

-- Only hashes of session and link secrets are kept.
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    created_at BIGINT NOT NULL,
    proved_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sessions_of_person ON sessions (person_id, created_at, token_hash);
CREATE INDEX sessions_ending ON sessions (expires_at);

CREATE TABLE mail_links (
    token_hash TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    purpose TEXT NOT NULL,
    -- The address that is to become the account's, when that is the purpose.
    new_email TEXT,
    -- Kept until it would have ended, to say of a link that it was used.
    used_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX mail_links_of_person ON mail_links (person_id, purpose);
CREATE INDEX mail_links_ending ON mail_links (expires_at);

-- Who holds data.
CREATE TABLE organisations (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    about TEXT NOT NULL,
    -- The days on which it does not work, one a line.
    holidays TEXT NOT NULL DEFAULT '',
    suspended_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX organisations_in_order ON organisations (created_at, id);

-- Its owners and stewards, and who was invited to be one.
CREATE TABLE organisation_members (
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    email_key TEXT NOT NULL,
    email TEXT NOT NULL,
    -- Once they have joined.
    person_id TEXT REFERENCES people (id),
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    invited_at BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, email_key)
);
CREATE INDEX organisations_of_person ON organisation_members (person_id, state);
CREATE UNIQUE INDEX one_joined_membership ON organisation_members (organisation_id, person_id) WHERE state = 'joined';
CREATE INDEX organisation_members_by_email ON organisation_members (email_key, state);

CREATE TABLE committees (
    id TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    quorum INTEGER NOT NULL,
    -- Working days: until those who have not voted are reminded, and for a decision.
    remind_after INTEGER,
    decide_within INTEGER,
    UNIQUE (organisation_id, slug)
);

CREATE TABLE committee_members (
    committee_id TEXT NOT NULL REFERENCES committees (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    PRIMARY KEY (committee_id, person_id)
);
CREATE INDEX committees_of_person ON committee_members (person_id, committee_id);

CREATE TABLE agreements (
    id TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    slug TEXT NOT NULL UNIQUE
);
CREATE INDEX agreements_of_organisation ON agreements (organisation_id, slug);

CREATE TABLE agreement_versions (
    id TEXT PRIMARY KEY,
    agreement_id TEXT NOT NULL REFERENCES agreements (id),
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    statement TEXT NOT NULL,
    consent TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- The language of the text that binds.
    binding TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    -- When it is too late for those who signed an earlier version to sign this one, if they have to.
    sign_by BIGINT,
    UNIQUE (agreement_id, number)
);

CREATE TABLE agreement_texts (
    version_id TEXT NOT NULL REFERENCES agreement_versions (id),
    language TEXT NOT NULL,
    body TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (version_id, language)
);

CREATE TABLE forms (
    id TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    slug TEXT NOT NULL UNIQUE
);
CREATE INDEX forms_of_organisation ON forms (organisation_id, slug);

CREATE TABLE form_versions (
    id TEXT PRIMARY KEY,
    form_id TEXT NOT NULL REFERENCES forms (id),
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    sections TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    UNIQUE (form_id, number)
);

CREATE TABLE datasets (
    id TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    description TEXT NOT NULL,
    licence TEXT NOT NULL,
    publisher TEXT NOT NULL,
    info TEXT NOT NULL,
    -- Slugs of the datasets that its page names first, whether they are there or not.
    related TEXT NOT NULL,
    mode TEXT NOT NULL,
    -- Who decides on requests for it.
    committee_id TEXT REFERENCES committees (id),
    grant_days INTEGER NOT NULL,
    -- What a decision covers that comes after it, and how much of its tables everybody sees, as JSON.
    policies TEXT NOT NULL,
    form_id TEXT REFERENCES forms (id),
    root TEXT NOT NULL,
    -- What an import leaves out there, and where a list of the files is.
    import_settings TEXT NOT NULL,
    file_count BIGINT NOT NULL,
    total_bytes BIGINT NOT NULL,
    -- The newest release that is neither withdrawn nor under embargo, and the newest of all; 0 before the first.
    current_release INTEGER NOT NULL,
    newest_release INTEGER NOT NULL,
    -- The import that prepares the next release, if one was begun and not ended.
    import_id TEXT,
    suspended_at BIGINT,
    -- Once it is no longer offered: since when and why, as JSON.
    retirement TEXT,
    -- None for a draft, which only those see who run its organisation.
    published_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Raised by every change of the dataset or its files: what was looked up at another version is looked up again.
    version BIGINT NOT NULL,
    -- Titles, summaries, descriptions, publishers, licence and tags, folded for searching.
    search TEXT NOT NULL,
    -- Of these, what is found first: titles, tags and the slug.
    search_title TEXT NOT NULL,
    -- What the catalogue is ordered by.
    position BIGINT NOT NULL
);
-- For the sum of all of them, by which it is known whether anything of the catalogue has changed.
CREATE INDEX datasets_by_version ON datasets (version);
CREATE INDEX datasets_in_order ON datasets (position, id);
CREATE INDEX datasets_by_form ON datasets (form_id, position);
CREATE INDEX datasets_of_organisation ON datasets (organisation_id, position, id);
CREATE INDEX datasets_by_committee ON datasets (committee_id, id);

-- Imports that somebody has asked for in the browser: the gateway runs them one after another.
CREATE TABLE import_jobs (
    id TEXT PRIMARY KEY,
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    -- From where, what to leave out, what to say about the release, and the like.
    import_order TEXT NOT NULL,
    state TEXT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    bytes_done BIGINT NOT NULL,
    -- What came of it.
    outcome TEXT,
    -- Until then the gateway that runs it has said that it goes on.
    claimed_until BIGINT NOT NULL,
    -- How often it was taken up.
    attempts INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX import_jobs_of_dataset ON import_jobs (dataset_id, created_at, id);
CREATE UNIQUE INDEX one_open_import ON import_jobs (dataset_id) WHERE state IN ('queued', 'running');
CREATE INDEX import_jobs_by_state ON import_jobs (state, created_at, id);

-- Datasets that are offered to another organisation, which has not answered yet.
CREATE TABLE dataset_offers (
    dataset_id TEXT PRIMARY KEY REFERENCES datasets (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    offered_at BIGINT NOT NULL
);
CREATE INDEX offers_to_organisation ON dataset_offers (organisation_id, offered_at, dataset_id);

-- What its users sign, in this order.
CREATE TABLE dataset_agreements (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    place INTEGER NOT NULL,
    agreement_id TEXT NOT NULL REFERENCES agreements (id),
    PRIMARY KEY (dataset_id, place)
);
CREATE INDEX datasets_by_agreement ON dataset_agreements (agreement_id, dataset_id);

CREATE TABLE dataset_tags (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (dataset_id, tag)
);
CREATE INDEX datasets_by_tag ON dataset_tags (tag, dataset_id);

CREATE TABLE files (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    path TEXT COLLATE "C" NOT NULL,
    folder TEXT COLLATE "C" NOT NULL,
    -- Its name, folded for searching.
    search TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    crc32 BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    modified_at BIGINT NOT NULL,
    -- The entity tag that another server had for it.
    pinned_etag TEXT,
    -- In this release and those after it, to before the other. Files that are still there have the largest number there.
    from_release INTEGER NOT NULL,
    until_release INTEGER NOT NULL,
    -- 1 where the release before has the file with other bytes, else 0.
    replaces INTEGER NOT NULL,
    -- 1 where the release that ends it has the file with other bytes, else 0.
    is_replaced INTEGER NOT NULL,
    PRIMARY KEY (dataset_id, path, from_release)
);
CREATE INDEX files_from ON files (dataset_id, from_release, replaces, path);
CREATE INDEX files_until ON files (dataset_id, until_release, is_replaced, path);
CREATE INDEX files_in_folder ON files (dataset_id, folder, path);
CREATE INDEX files_by_name ON files (dataset_id, until_release, search, path, from_release);

CREATE TABLE folders (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    path TEXT COLLATE "C" NOT NULL,
    parent TEXT COLLATE "C" NOT NULL,
    file_count BIGINT NOT NULL,
    total_bytes BIGINT NOT NULL,
    from_release INTEGER NOT NULL,
    until_release INTEGER NOT NULL,
    PRIMARY KEY (dataset_id, path, from_release)
);
CREATE INDEX folders_from ON folders (dataset_id, from_release, path);
CREATE INDEX folders_until ON folders (dataset_id, until_release, path);
CREATE INDEX folders_in_folder ON folders (dataset_id, parent, path);

CREATE TABLE releases (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    number INTEGER NOT NULL,
    note TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    file_count BIGINT NOT NULL,
    total_bytes BIGINT NOT NULL,
    -- The formats of its files, those with the most files first, as JSON.
    formats TEXT NOT NULL,
    -- Of its SHA256SUMS.
    sums_sha256 BYTEA NOT NULL,
    added BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    -- Where its files were when it was made, or moved to since, as long as it was the newest.
    root TEXT NOT NULL,
    embargoed_until BIGINT,
    withdrawn_at BIGINT,
    withdrawn_reason TEXT,
    PRIMARY KEY (dataset_id, number)
);

-- What a table of a release holds, in short, the largest first; and its READMEs, one for each language and one whose name says
-- none. As JSON; the rows are there before the release is.
CREATE TABLE release_previews (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    number INTEGER NOT NULL,
    -- table or readme.
    kind TEXT NOT NULL,
    place INTEGER NOT NULL,
    preview TEXT NOT NULL,
    PRIMARY KEY (dataset_id, number, kind, place)
);

-- Pictures of a release, small.
CREATE TABLE release_pictures (
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,
    path TEXT NOT NULL,
    jpeg BYTEA NOT NULL,
    PRIMARY KEY (dataset_id, number, place)
);

-- Downloads by the dataset's name and the day (whole days since 1970), counted from the log after they are recorded.
CREATE TABLE download_counts (
    dataset TEXT NOT NULL,
    day BIGINT NOT NULL,
    admitted BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (dataset, day)
);
CREATE INDEX download_counts_by_day ON download_counts (day);

-- The one row that says up to which entry of the log they are counted.
CREATE TABLE download_count_position (
    id INTEGER PRIMARY KEY,
    entries BIGINT NOT NULL
);
INSERT INTO download_count_position (id, entries) VALUES (1, 0);

CREATE INDEX releases_under_embargo ON releases (embargoed_until) WHERE embargoed_until IS NOT NULL;

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    purpose TEXT NOT NULL,
    lay_summary TEXT,
    institution TEXT NOT NULL,
    -- Its title, purpose, summary and institution, folded for searching.
    search TEXT NOT NULL,
    -- Days, as 2026-11-29.
    from_day TEXT,
    until_day TEXT,
    lead_id TEXT NOT NULL REFERENCES people (id),
    ended_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX projects_of_lead ON projects (lead_id, created_at, id);

-- Who was invited, and became a member, beside the lead.
CREATE TABLE project_members (
    project_id TEXT NOT NULL REFERENCES projects (id),
    email_key TEXT NOT NULL,
    email TEXT NOT NULL,
    -- Once they have joined.
    person_id TEXT REFERENCES people (id),
    state TEXT NOT NULL,
    invited_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, email_key)
);
CREATE INDEX members_by_person ON project_members (person_id, state);
CREATE UNIQUE INDEX one_membership ON project_members (project_id, person_id) WHERE state = 'joined';
CREATE INDEX members_by_email ON project_members (email_key, state);

CREATE TABLE access_requests (
    id TEXT PRIMARY KEY,
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    -- None where signing is enough, and in a draft whose project is to be made with it.
    project_id TEXT REFERENCES projects (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    stage TEXT NOT NULL,
    round INTEGER NOT NULL,
    -- The answers so far. Which version of the form asked is in the signatures.
    answers TEXT NOT NULL,
    -- The answers that were signed last, folded for searching.
    search TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    submitted_at BIGINT,
    -- When reviewers or an owner approved or rejected it; none where signing was enough.
    decided_at BIGINT,
    -- The owner who decided in place of the reviewers.
    overridden_by TEXT REFERENCES people (id),
    -- While it waits: when those are reminded who have not voted, and when it is overdue.
    remind_at BIGINT,
    due_at BIGINT,
    -- The rounds for which both have been done.
    reminded_round INTEGER NOT NULL DEFAULT 0,
    escalated_round INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX one_open_request ON access_requests (person_id, dataset_id, COALESCE(project_id, ''))
    WHERE stage IN ('draft', 'submitted', 'returned');
CREATE INDEX requests_of_project ON access_requests (project_id, created_at, id);
CREATE INDEX requests_of_person ON access_requests (person_id, created_at, id);
CREATE INDEX requests_in_queue ON access_requests (stage, submitted_at, id);
CREATE INDEX requests_to_remind ON access_requests (remind_at, id) WHERE stage = 'submitted';
CREATE INDEX requests_due ON access_requests (due_at, id) WHERE stage = 'submitted';
CREATE INDEX requests_of_dataset ON access_requests (dataset_id, stage);
CREATE INDEX requests_sent ON access_requests (dataset_id, submitted_at);
CREATE INDEX requests_decided ON access_requests (dataset_id, decided_at, submitted_at);

-- Files that were handed in as answers.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    -- None until the file is an answer in a draft or a request.
    request_id TEXT REFERENCES access_requests (id),
    name TEXT NOT NULL,
    -- How many bytes have come.
    size BIGINT NOT NULL,
    -- None until all has come and was found to be of a type that is taken.
    file_type TEXT,
    sha256 TEXT,
    -- Whether a signature binds it.
    signed BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX uploads_of_request ON uploads (request_id);
CREATE INDEX uploads_of_person ON uploads (person_id, request_id);
CREATE INDEX uploads_without_request ON uploads (created_at) WHERE request_id IS NULL;

CREATE TABLE upload_parts (
    upload_id TEXT NOT NULL REFERENCES uploads (id),
    place INTEGER NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (upload_id, place)
);

CREATE TABLE reviews (
    request_id TEXT NOT NULL REFERENCES access_requests (id),
    round INTEGER NOT NULL,
    reviewer_id TEXT NOT NULL REFERENCES people (id),
    verdict TEXT NOT NULL,
    comment TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (request_id, round, reviewer_id)
);
CREATE INDEX reviews_of_reviewer ON reviews (reviewer_id, request_id);

-- Who has stepped aside from deciding on a request.
CREATE TABLE recusals (
    request_id TEXT NOT NULL REFERENCES access_requests (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    at BIGINT NOT NULL,
    PRIMARY KEY (request_id, person_id)
);

CREATE TABLE signatures (
    id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES access_requests (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    version_id TEXT NOT NULL REFERENCES agreement_versions (id),
    record TEXT NOT NULL,
    event_index BIGINT NOT NULL,
    signed_at BIGINT NOT NULL
);
CREATE INDEX signatures_of_request ON signatures (request_id, person_id, signed_at);
CREATE INDEX signatures_of_person ON signatures (person_id, signed_at);

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    dataset_id TEXT NOT NULL REFERENCES datasets (id),
    request_id TEXT NOT NULL REFERENCES access_requests (id),
    project_id TEXT REFERENCES projects (id),
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    -- The newest release that it covers, where it does not cover all.
    last_release INTEGER,
    -- While it is suspended.
    suspended_at BIGINT,
    revoked_at BIGINT,
    revoke_reason TEXT,
    noticed_at BIGINT,
    -- When it stops because its holder has not signed a newer version of an agreement, how far they were reminded of it, and when
    -- they are the next time.
    sign_by BIGINT,
    sign_by_told INTEGER NOT NULL,
    remind_at BIGINT,
    -- Whether those who run the dataset made it end sooner than it was to.
    shortened BOOLEAN NOT NULL
);
CREATE INDEX grants_of_person ON grants (person_id, dataset_id, starts_at);
CREATE INDEX grants_ending ON grants (ends_at);
CREATE INDEX grants_newest ON grants (starts_at, id);
CREATE INDEX grants_of_dataset ON grants (dataset_id, starts_at, id);
CREATE INDEX grants_to_remind ON grants (remind_at) WHERE remind_at IS NOT NULL;
CREATE INDEX grants_of_request ON grants (request_id);
CREATE INDEX grants_of_project ON grants (project_id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    name TEXT NOT NULL,
    details TEXT NOT NULL,
    -- What it may be used for in the API, with spaces between; empty for one that downloads.
    scopes TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX tokens_of_person ON tokens (person_id, issued_at, id);

-- What was answered to requests of the API that may be sent again.
CREATE TABLE idempotency_keys (
    person_id TEXT NOT NULL REFERENCES people (id),
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (person_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE mail_outbox (
    id TEXT PRIMARY KEY,
    -- Whose mail it is, whatever address they had then.
    person_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    language TEXT NOT NULL,
    message TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    sent_at BIGINT,
    last_error TEXT
);
CREATE INDEX mail_of_person ON mail_outbox (person_id);
CREATE INDEX mail_by_recipient ON mail_outbox (recipient, kind, created_at);
CREATE INDEX mail_due ON mail_outbox (state, next_at);
CREATE INDEX mail_newest ON mail_outbox (created_at, id);

-- The audit log. Nothing here is ever updated or deleted, but for erasing a personal part.
CREATE TABLE event_blocks (
    first BIGINT PRIMARY KEY CHECK (first >= 0),
    -- The time of all its events.
    at BIGINT NOT NULL,
    -- Canonical JSON, an event a line; packed (store::log::packing).
    bodies BYTEA NOT NULL,
    -- For each event 8 bytes, a hash of its index and its leaf hash: which event was recorded in which place.
    position_hashes BYTEA NOT NULL,
    -- The personal parts, a line for each event: salt, space, canonical JSON; or nothing. The body holds a hash of it.
    -- Erasing a person empties lines. Packed as well.
    private BYTEA NOT NULL
);

-- What the events of a block are found by: persons, datasets, and of what does not come with every download, the action
-- and the subject.
CREATE TABLE event_keys (
    first BIGINT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (first, key)
);
CREATE INDEX event_keys_by_key ON event_keys (key, first);

-- Full hash tiles (C2SP tlog-tiles): 256 hashes each; root is the hash of the subtree they make.
CREATE TABLE log_tiles (
    level INTEGER NOT NULL,
    n BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    root BYTEA NOT NULL,
    PRIMARY KEY (level, n)
);

-- One row: all that appending needs, beside the leaves after the last full tile.
CREATE TABLE log_head (
    id INTEGER PRIMARY KEY,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    frontier BYTEA NOT NULL,
    checkpoint TEXT NOT NULL,
    -- Grows with every change that the gate's decisions rest on, so that what is remembered of it is known to be old.
    access_epoch BIGINT NOT NULL,
    -- The time of the last event: no later one has an earlier time, whatever the clock does.
    last_at BIGINT NOT NULL
);
