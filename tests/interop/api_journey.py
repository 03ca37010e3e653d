#!/usr/bin/env python3
"""Publishes a dataset, asks for it, approves, and downloads it, over the JSON API alone. Standard library only.

Environment: BASE, and a token for each of STEWARD, OWNER, REVIEWER, APPLICANT; PASSWORD is the applicant's.
"""
import hashlib
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ["BASE"]
SLUG = "river-levels"


def call(who, method, path, body=None, **headers):
    """One request as somebody; gives the JSON, and the ETag."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{BASE}/api/v1{path}", data, headers, method=method)
    request.add_header("Authorization", f"Bearer {os.environ[who]}")
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as response:
            text = response.read()
            return (json.loads(text) if text else None), response.headers.get("ETag")
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error


def publish():
    """Agreement, form, committee, dataset, files."""
    organisation = "/manage/organisations/main"
    call("STEWARD", "POST", f"{organisation}/agreements", {
        "slug": "river-terms", "title": {"en": "River terms"}, "kind": "data-use",
        "statement": {"en": "I agree."}, "consent": {"en": "I consent."}, "texts": {"en": "# Terms\n\nDo not drown."},
    })
    call("STEWARD", "POST", f"{organisation}/forms", {
        "slug": "river-form", "title": {"en": "Use"},
        "sections": [{"id": "use", "questions": [
            {"id": "where", "label": "Where?", "required": True, "kind": "choice",
             "options": [{"value": "here", "label": "Here"}, {"value": "there", "label": "There"}]},
        ]}],
    })
    call("OWNER", "POST", f"{organisation}/committees", {
        "slug": "river", "name": {"en": "River board"}, "members": ["reviewer1@demo.example"], "quorum": 1,
    })
    dataset = {
        "slug": SLUG, "title": {"en": "River levels", "zh-TW": "河川水位"}, "summary": {"en": "Levels of a river."},
        "mode": "approval", "agreements": ["river-terms"], "form": "river-form", "committee": "river",
    }
    # Sent twice under one key, it is made once.
    made = [call("STEWARD", "POST", f"{organisation}/datasets", dataset, **{"Idempotency-Key": "river"})[0] for _ in range(2)]
    assert made[0] == made[1], made
    own = f"/manage/datasets/{SLUG}"
    begun, _ = call("STEWARD", "POST", f"{own}/imports", {"source": "incoming", "path": SLUG, "note": "The first."})
    while (job := call("STEWARD", "GET", f"{own}/imports/{begun['id']}")[0])["state"] in ("queued", "running"):
        time.sleep(0.2)
    assert job["state"] == "done" and job["release"] == 1, job
    now, tag = call("STEWARD", "GET", own)
    assert now["missing"] == [], now
    call("STEWARD", "PUT", own, {**now["dataset"], "licence": "CC0"}, **{"If-Match": tag})
    call("STEWARD", "POST", f"{own}/publish")


def ask():
    """Reads the terms, signs them, and gives the request's address."""
    terms, _ = call("APPLICANT", "GET", f"/datasets/{SLUG}/terms")
    assert terms["may_sign"] and terms["project"] == "asked", terms
    sent, _ = call("APPLICANT", "POST", f"/datasets/{SLUG}/requests", {
        "project": "new",
        "project_description": {
            "title": "Floods", "institution": "River Office",
            "purpose": "To see how high the river stands in each season, and to publish a chart of it.",
        },
        "answers": {"where": "here"}, "form": terms["form"]["id"], "language": "en",
        "agreements": [{"version": one["id"], "accepts": True, "consents": True} for one in terms["agreements"]],
        "name": call("APPLICANT", "GET", "/me")[0]["name"], "password": os.environ["PASSWORD"],
    })
    assert sent["stage"] == "submitted", sent
    return sent["id"]


def approve(request):
    """Finds it in the queue, and approves what was read."""
    waiting, _ = call("REVIEWER", "GET", "/review")
    assert request in [one["id"] for one in waiting["items"]], waiting
    case, _ = call("REVIEWER", "GET", f"/review/{request}")
    assert case["may_vote"] and case["answers"] == {"where": "here"}, case
    decided, _ = call("REVIEWER", "POST", f"/review/{request}/decisions", {"verdict": "approve", "round": case["round"]})
    assert decided["stage"] == "approved", decided


def download():
    """Downloads every file with a token made for it, and compares it with the list of hashes."""
    made, _ = call("APPLICANT", "POST", "/tokens", {"name": "this program", "datasets": [SLUG]})

    def get(path):
        request = urllib.request.Request(f"{BASE}/data/{SLUG}/{path}", headers={"Authorization": f"Bearer {made['token']}"})
        with urllib.request.urlopen(request) as response:
            return response.read()

    for line in get("SHA256SUMS").decode().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256(get(urllib.parse.quote(name))).hexdigest() == digest, name
        print("downloaded", name)


publish()
asked = ask()
approve(asked)
download()
