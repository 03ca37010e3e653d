nav-manage = Manage
manage-datasets = Datasets
manage-datasets-lead = What you hold. Suspending a dataset stops its downloads at once.
manage-grants = Grants
manage-committees = Committees
manage-committees-lead = A committee decides on requests for the datasets that name it. Owners set committees up.
manage-no-committees = There are no committees yet.
manage-members = Owners and stewards
manage-members-lead = Stewards publish datasets, agreements and forms, and revoke access. Owners do that too, and name the committees and each other.
manage-no-members = Nobody yet.
manage-about = About
manage-about-lead = What everybody reads about you, with your datasets.
manage-about-text = About you
manage-invite-hint = They get a mail, and accept with an account of this address.
manage-role-steward = Steward: publishes datasets, agreements and forms; revokes access
manage-role-owner = Owner: that too, and committees, members, decisions in place of a committee
manage-make-owner = Make owner
manage-make-steward = Make steward
manage-leave = Leave
manage-invited = You are invited to be { $role } of { $name }.
manage-accept = Accept
markdown-hint = You can use Markdown: headings, lists, links, tables.
role-steward = steward
role-owner = owner
committee-new = New committee
committee-edit = Change the committee
committee-name = Name
committee-members = Members
committee-members-hint = The addresses of their accounts, one on each line.
committee-quorum = Approvals needed
committee-quorum-hint = So many members must approve before access is granted.
committee-remind-after = Remind after so many working days
committee-remind-after-hint = Those who have not voted by then get a mail. Leave it empty for no reminder.
committee-decide-within = Decide within so many working days
committee-decide-within-hint = Applicants read this number. When the days are over, the owners are told too. Leave it empty for no such day.
committee-days = { $n ->
    [one] decides within one working day
   *[other] decides within { $n-shown } working days
}
error-remind-after = Give a number of working days from 1 to 250, or leave it empty.
error-decide-within = Give a number of working days from 1 to 250, or leave it empty.
error-reminder-too-late = The reminder must come before the last day for a decision.
holidays-title = Holidays
holidays-lead = Committees have so many working days for a decision. Saturdays, Sundays and these days are no working days; days are those of UTC.
holidays-days = Days
holidays-hint = One a line: the day, then its name, such as “2027-01-01 New Year’s Day”. What follows a # is left out.
error-holiday-day = Line { $n-shown } must begin with a day, such as 2027-01-01.
error-holiday-name = The name in line { $n-shown } is too long, or has a character that can’t stand there.
error-holiday-twice = The day in line { $n-shown } is there already.
error-holidays-many = There may be up to 1,000 holidays.
error-holiday-no-day = Give a day, such as 2027-01-01.
error-holiday-bad-name = The name is too long, or has a character that can’t stand there.
error-holiday-there-twice = The day is there already.
committee-datasets = { $n ->
    [0] no datasets yet
    [one] { $n-shown } dataset
   *[other] { $n-shown } datasets
}
field-slug = Name in addresses
field-slug-hint = Small letters, digits and hyphens, such as chest-imaging. It stays as it is.
save = Save
form-meanwhile = Saved meanwhile by somebody else: “{ $value }”
form-meanwhile-empty = Emptied meanwhile by somebody else.
admin-holders = Who holds the data
admin-holders-text = Everything here is held in one hand. Several can share this gateway, each with its own owners, datasets and committees, seeing nothing of the others.
admin-holders-more = Make room for another
organisations-title = Organisations
organisations-lead = Each holds its own datasets, agreements, forms and committees, and sees nothing of the others. As an administrator you make them and name the first owner; what they hold you see only if they make you a member.
organisation-new = Another organisation
organisation-make = Make the organisation
organisation-first-owner = E-mail address of the first owner
organisation-ownerless = no owner yet
organisation-members = { $n ->
    [one] { $n-shown } member
   *[other] { $n-shown } members
}
organisation-suspend-text = Nothing that it holds is delivered or can be signed for until it is restored.
organisation-suspended = This organisation is suspended. Nothing of it is delivered until it is restored.
organisation-no-datasets = It has not published anything yet.
notice-saved = Saved.
notice-joined = Welcome. You can see and do more here now.
notice-role-changed = The role is changed.
notice-organisation-left = You have left. You see nothing of it any more.
notice-organisation-made = It is made, and its owner is invited.
error-slug = Use 2 to 80 small letters, digits and hyphens, with a letter or digit at each end and no two hyphens together.
error-quorum = Give a number of 1 or more.
error-quorum-members = There must be at least as many members as approvals needed.
error-member-address = “{ $address }” is not an e-mail address.
error-member-twice = { $address } is there twice.
error-member-unknown = { $address } has no account here yet. Ask them to register first.
error-member-unverified = { $address } has not confirmed the address yet.
action-organisation-founded = Organisation made
action-organisation-changed = Organisation described anew
action-organisation-suspended = Organisation suspended
action-organisation-restored = Organisation restored
action-organisation-member-invited = Owner or steward invited
action-organisation-member-joined = Owner or steward joined
action-organisation-member-left = Owner or steward left
action-organisation-member-removed = Owner or steward removed
action-organisation-role-changed = Owner's or steward's role changed
action-committee-set-up = Committee set up
action-dataset-offered = Dataset offered to another organisation
action-dataset-offer-ended = Offer of a dataset ended
action-dataset-handed-over = Dataset handed over
manage-hand-over = Hand over
manage-hand-over-text = The dataset goes to the other organisation with its agreements, its form and the access it has given, once an owner there takes it. A committee of theirs decides from then on.
manage-hand-over-to = Name in addresses of the other organisation
manage-hand-over-do = Offer it
manage-offered-to = Offered to { $name }, who have not answered yet.
manage-take-back = Take the offer back
manage-offered = { $name } is offered to you, with its agreements, its form and the access it has given.
manage-offered-committee = The committee that decides from now on
manage-take = Take it
manage-decline = Decline
notice-offered = Their owners are told by mail.
notice-offer-ended = The offer is ended.
notice-handed-over = The dataset is yours now.
organisation-of = Held by
dataset-new = New dataset
dataset-edit = Change the description
dataset-see = See its page
dataset-state-draft = Draft
dataset-state-published = Published
dataset-publish = Publish
dataset-publish-text = Nothing is missing. Once it is published, everybody sees it in the catalogue.
dataset-missing = Before it can be published, it needs:
dataset-missing-agreement = an agreement that its users sign
dataset-missing-committee = a committee that decides
dataset-missing-files = files
dataset-files-and-releases = Files and releases
dataset-no-releases = There are no files yet.
dataset-what = What it is
dataset-terms = What access takes
preview = Preview
field-title = Title
field-summary = Summary
field-summary-hint = One or two sentences, without markup.
field-description = Description
field-list-hint = With commas between.
field-related-hint = Names in addresses, with commas between. Its page names them first.
field-info-hint = Lines such as update_frequency. last_updated, created, payment_instrument and update_frequency are named in the reader's language.
field-mode = Who gets access
field-mode-open = Anybody, without an account
field-mode-agreement = Whoever signs
field-mode-approval = Whoever signs and is approved by a committee
field-agreements = Agreements
field-agreements-hint = What is signed, in this order. Each gets a signature and a receipt of its own.
field-form = Form
field-committee = Committee
field-none = None
field-grant-days = How long access lasts, in days
field-grant-days-hint = From 1 to 36,500. A project that ends earlier ends it.
field-later_releases = Releases that come after access was given
field-later_members = Members of a project who sign after the decision
field-preview = What everybody sees of its files
field-preview-hint = CSV, TSV and Parquet files, PNG and JPEG pictures, and the README are looked into when they are imported. What is shown here is seen without access, and no download is recorded for it.
field-preview-nothing = nothing
field-preview-schema = the README, and the names and kinds of the columns of its tables
field-preview-statistics = also how their values are distributed: ranges, counts, frequent values
field-preview-rows = also the first eight rows, and a dozen pictures, small
field-later-included = are covered by it
field-later-requested = are asked for, one request each
field-position = Place in the catalogue
field-position-hint = Smaller numbers come first.
column-release = Release
column-note = Note
files-choose = Import files
files-where = Where the files are
files-no-sources = No source is set up for you. The operator names places that may be published from in the configuration, as [[source]].
files-unreadable = This folder can't be read at the moment.
files-import = Import what is here
files-import-text = Everything in this folder and below becomes the next release, if any file differs from the last one. Downloads go on meanwhile.
files-note-hint = What is new in this release, for everybody to read. May be empty.
files-embargo = Not before
release-embargo-hint = A date such as 2027-01-31, or 2027-01-31T09:00:00+08:00.
files-embargo-hint = A date such as 2027-01-31, or 2027-01-31T09:00:00+08:00. Empty for at once.
files-exclude = Leave out
files-exclude-hint = Names with stars, such as *.tmp, with commas between.
files-manifest = List of files
files-manifest-hint = The file on that server that lists the others, such as SHA256SUMS.
files-leave-out = Leave out what can't be delivered (links, impossible names), and import the rest
import-queued = The import waits for its turn.
import-running = The files are read.
import-goes-on = It goes on when you leave this page, and after a restart. Nothing is seen of it before it is done.
import-cancel = Stop the import
import-done = Done
import-failed = Failed
import-cancelled = Stopped
import-release = Release { $n }:
import-excluded = { $n ->
    [one] { $n-shown } excluded
   *[other] { $n-shown } excluded
}
import-left-out = { $n ->
    [one] { $n-shown } left out
   *[other] { $n-shown } left out
}
import-unusable = { $n ->
    [one] { $n-shown } file can't be delivered, so nothing was imported. Change it, exclude it, or leave it out.
   *[other] { $n-shown } files can't be delivered, so nothing was imported. Change them, exclude them, or leave them out.
}
import-unreadable = The files could not be read.
undeliverable-bad-name = its name can’t stand in an address
undeliverable-not-there = it is listed, and can’t be had under that name
undeliverable-not-a-file = it is neither a file nor a folder; links are not followed
read-fault-gone = There is no such file or folder.
read-fault-forbidden = The gateway may not read it.
read-fault-unreadable = The disk or the server did not answer as it should.
read-fault-no-manifest = Name the file that lists the others: an HTTP server does not say by itself which files it has.
read-fault-wrong-hash = A file has another SHA-256 than its list says.
read-fault-bad-settings = What is left out, or the list of files, is not written as it should be.
imports-earlier = Earlier imports
notice-dataset-published = It is published. Everybody sees it now.
notice-import-begun = The import has begun.
notice-import-cancelled = The import is stopped.
error-title = Give it a title.
error-name-stays = A name in addresses never changes.
error-too-many-tags = Up to 50 tags can be given.
error-too-much-info = Up to 100 lines can be given.
error-member-there-twice = Somebody is named twice.
error-form-text = A text of the form is too long, or holds control characters.
error-choose = Choose one.
error-number = Give a whole number.
error-agreement-missing = Choose an agreement, for its users have to sign.
error-agreement-on-open = There is nothing to sign where anybody gets access.
error-agreement-twice = An agreement is there twice.
error-too-many-agreements = Up to 10 agreements can be asked for.
error-grant-days = Give a number from 1 to 36,500.
error-too-many-related = Up to 12 datasets can be named.
error-committee-missing = Choose the committee that decides.
error-related = “{ $name }” is no name of a dataset in addresses.
error-embargo = Give a date such as 2027-01-31, or a time such as 2027-01-31T09:00:00+08:00.
error-exclude = A pattern can't be read, or would leave out everything.
error-info-name = Give each line a name.
action-dataset-drafted = Draft of a dataset made
action-import-begun = Import begun
action-import-cancelled = Import stopped
action-import-failed = Import failed
manage-agreements = Agreements
manage-agreements-lead = What people sign. A published version never changes, and stays readable for ever.
manage-no-agreements = There are no agreements yet.
agreement-new = New agreement
agreement-new-version = New version
agreement-publish-lead = What is published can't be changed, only followed by a new version. Each text needs its title, statement and consent in its language.
agreement-publish = Publish this version
agreement-in-force = Version { $version } is in force
agreement-not-signed = Have access and have not signed it: { $people ->
        [one] one person
       *[other] { $people-shown } people
    }, { $projects ->
        [one] one project
       *[other] { $projects-shown } projects
    }, { $grants ->
        [one] one grant
       *[other] { $grants-shown } grants
    }.
agreement-last-day = Last day to sign (UTC)
agreement-earlier-day = Those who signed before version { $version } have until { $date } to sign that one or a newer one. What you set here takes its place, an empty field too.
agreement-last-day-hint = After it the access of those who have not signed stops until they do. Empty: what they signed stays good.
agreement-set-day = Set the day
agreement-again = Does everybody have to sign again?
agreement-resting = Would have to sign again: { $people ->
        [one] one person
       *[other] { $people-shown } people
    }, { $projects ->
        [one] one project
       *[other] { $projects-shown } projects
    }, { $grants ->
        [one] one grant
       *[other] { $grants-shown } grants
    }.
agreement-sign-by-hint = They are told by mail at once and 30, 7 and 1 days before. Empty: only new signers sign this version.
agreement-kind = What it is about
agreement-texts = Text
agreement-binding = The text that binds
agreement-statement = Statement
agreement-statement-hint = The exact words that the signer agrees to.
agreement-consent = Consent
agreement-consent-hint = The exact words by which the signer consents to sign electronically.
agreement-usual-statement = I have read this agreement, and I agree to it.
agreement-usual-consent = I consent to sign electronically.
notice-version-published = The version is published.
notice-sign-by-set = The day is set. Those who have to sign are told by mail.
notice-sign-by-removed = Nobody has to sign it again.
error-no-text = Write the text in at least one language.
error-missing-language = This is needed in the language, for there is a text in it.
error-binding = There is no text in this language.
agreement-kind-data-use = Data use
agreement-kind-code-of-conduct = Code of conduct
agreement-kind-confidentiality = Confidentiality
agreement-kind-other = Other
manage-forms = Forms
manage-forms-lead = What people answer when they sign. A published version never changes.
manage-no-forms = There are no forms yet.
form-new = New form
form-publish-lead = What is published can't be changed, only followed by a new version. Earlier answers are carried over where a question keeps its name in records.
form-section = Section { $n }
form-section-title = Heading
form-section-title-hint = May be empty where there is only one section.
form-section-help = What to say under the heading
form-remove-section = Remove this section with its questions
form-question = Question { $n }
form-question-label = Question
form-question-hint = Hint under it
form-question-kind = Kind of answer
form-question-required = It must be answered
form-question-more = Options, limits, conditions
form-question-options = Options to choose from
form-question-options-hint = One on each line: a value for the records, then the label in English and in Chinese, with | between. Such as: server | On our server | 在本機構的伺服器
form-question-min-length = Least length of several lines, in characters
form-question-min = Least number
form-question-max = Greatest number
form-question-if = Asked only after an answer to
form-question-if-hint = The name in records of an earlier question; empty for always.
form-question-is = when the answer is one of
form-question-is-hint = Values with commas between, such as yes.
form-question-id = Name in records
form-question-id-hint = Made of the question where it is empty. Keep it in new versions.
form-question-section = In section
form-up = Up
form-down = Down
form-remove = Remove
form-add-question = Add a question
form-add-section = Add a section
question-kind-short = One line
question-kind-long = Several lines
question-kind-choice = One of several options
question-kind-several = Any of several options
question-kind-yes-no = Yes or no
question-kind-checkbox = A box to tick
question-kind-date = A date
question-kind-number = A whole number
question-kind-email = An e-mail address
question-kind-orcid = An ORCID iD
question-kind-country = A country
question-kind-file = A file
error-no-questions = Ask at least one question.
error-too-many-questions = Up to 200 questions can be asked.
error-section-title = With more than one section, each needs a heading of its own.
error-question-twice = Another question has this name in records.
error-question-label = Write the question.
error-question-options = Give at least two options, each with a value of its own.
error-question-file = Give a size from 0.000001 to 20 MB.
error-question-types = Name types as under the field, with commas between.
form-question-types = Types of a file
form-question-types-hint = With commas: pdf, png, jpeg, text, word, open-document. Empty takes all of them.
form-question-max-size = Largest file, in MB
form-question-max-size-hint = Up to 20. Empty means 10.
error-question-bounds = The least number is above the greatest.
error-question-condition = Name an earlier question to choose or tick, and answers that it has.
release-withdraw = Withdraw
release-withdraw-hint = Everybody reads it. It can't be undone: nothing is delivered under this release from now on.
release-embargo-change = Change the embargo
release-embargo-end = End it now
manage-retire = Retire
manage-retire-hint = Everybody reads it. The dataset leaves the catalogue and takes no new requests; people who have access keep it.
manage-reinstate = Offer it again
notice-dataset-retired = The dataset is retired. Its page stays where it is.
notice-dataset-reinstated = The dataset is offered again.
dataset-state = Delivery and offer
manage-search = Search titles, texts and tags
manage-no-datasets = There are no datasets yet.
manage-no-match = No dataset has all of these words. Try fewer of them.

## The overview

overview-title = Overview
overview-waiting = Waiting for a decision
overview-oldest = the oldest for { $days }
overview-half-within = Half decided within
overview-in-weeks = in the last twelve weeks
overview-people = People with an active grant
overview-days = { $days } days
overview-now = now
overview-table = Table
overview-from = From
overview-requests = Requests
overview-requests-text = Sent above the line, decided below it, each seven days of the last twelve weeks.
overview-sent = Sent
overview-decided = Decided
overview-time = Time to decide
overview-time-text = From sending to the decision: half of the requests within the thick line, nine of ten within the dashed one.
overview-half = Half within
overview-most = Nine of ten within
overview-ages = Waiting now
overview-ages-text = By the days since they were sent.
overview-age = { $from } to { $to } days
overview-age-more = { $from } days or more
overview-endings = Grants that end
overview-endings-text = { $n ->
    [0] No grant ends in the next fourteen weeks.
    [one] One grant ends in the next fourteen weeks.
   *[other] { $n-shown } grants end in the next fourteen weeks.
}
overview-ending = Grants that end

## Files that changed

changed-files = { $n ->
    [one] A file is not what was imported.
   *[other] { $n-shown } files are not what was imported.
}
changed-files-text = What differs is not delivered when somebody asks for it. Put back what was there, or import again: that makes a release of what is there now.
changed-files-list = Which
changed-gone = is gone
changed-not-a-file = is not a file any more
changed-outside-root = leads out of the dataset’s folder
changed-shorter = is shorter
changed-size = has another size
changed-time = was modified
changed-tag = is another file now
changed-hash = has other bytes
changed-imported-again = was imported again meanwhile
datasets-all = All
datasets-published = Published
datasets-draft = Drafts
datasets-suspended = Suspended
datasets-retired = Retired
datasets-catalogue = As in the catalogue
datasets-edited-last = Recently edited
datasets-several = Suspend several
datasets-suspend-chosen = Suspend selected
notice-datasets-suspended = The datasets are suspended. Their files are no longer delivered.
overview-downloads = Downloads
overview-downloaded = Downloads: { $count }. Sent: { $size }. A file that is fetched in parts counts several times.
overview-bytes = Sent
overview-most-downloaded = Most downloaded
grant-change-end = Change the end
grant-until = Last day of access (UTC)
grant-until-hint = Sooner or later than it is now, but not after the project’s end.
grant-end-reason-hint = The person receives it by mail.
