catalogue-heading = Research data, and what access to it takes
catalogue-lead = Read the terms before you register. Sign online, get an answer, download with the tools you know.
catalogue-count = { $n ->
    [one] { $n-shown } dataset
   *[other] { $n-shown } datasets
}
catalogue-query = for “{ $query }”
catalogue-count-of = { $n-shown } of { $total } datasets
catalogue-search = Search titles, texts, files and tags
catalogue-filters = Filters
catalogue-apply = Apply filters
catalogue-chosen = Filters that are on
catalogue-take-off = : remove this filter
catalogue-further = { $n ->
    [one] { $n-shown } more
   *[other] { $n-shown } more
}
catalogue-sort = Sort by
catalogue-changed = changed { $date }
sort-best = Best match
sort-changed = Last changed
sort-name = Name
sort-size = Size
facet-mode = Access
facet-own = Yours
facet-own-access = You have access
facet-own-waiting = Waiting or returned
facet-organisation = Organisation
facet-format = Format
facet-size = Size
facet-size-under-10-mb = Under 10 MB
facet-size-10-mb-to-1-gb = 10 MB to 1 GB
facet-size-1-to-100-gb = 1 to 100 GB
facet-size-over-100-gb = Over 100 GB
facet-changed = Changed
facet-changed-month = In the last 30 days
facet-changed-year = In the last year
facet-changed-five-years = In the last five years
facet-licence = Licence
facet-tag = Tags
own-open = Open to everyone
own-open-more = no account needed
own-access = You have access
own-until = until { $date }
own-waiting = Waiting for a decision
own-returned = Came back to you
own-returned-more = something is to be changed
own-rejected = Rejected
own-ended = Your access has ended
own-stopped = Sign the new version
own-suspended = Access suspended
own-draft = Draft, not signed
own-sign = Sign the agreement
own-ask = Not requested yet
catalogue-file = Has the file
catalogue-empty = No datasets
catalogue-empty-filtered = No dataset matches these words and filters. Try fewer of them.
catalogue-empty-all = Datasets will be listed here once one has been published.
catalogue-show-all = Show all datasets
filter-open = Open
filter-agreement = Agreement
filter-approval = Agreement and review
dataset-files = Data and Resources
dataset-all-files = All files
dataset-as-zip = Everything as one ZIP
dataset-no-files = No files have been imported yet.
dataset-more-folders = More folders
dataset-info = Additional Info
dataset-related = Related datasets
dataset-suspended = This dataset is suspended. Nothing is delivered until it is restored.
info-licence = Licence
info-publisher = Publisher
info-tags = Tags
info-last-updated = Last updated
info-created = Created
info-payment-instrument = Payment instrument
info-update-frequency = Update frequency
info-paper = Paper
access-heading = Access
access-open = Anyone may download this dataset. No account is needed.
access-rejected = Your last request was rejected.
access-returned = A reviewer asks you to change something.
access-ended = Your access has ended. Sign again to ask for more time.
access-stopped = Your access has stopped: an agreement that you signed has a new version. Sign it, and you can download again at once.
access-suspended = Your access is suspended: downloads and tokens do not work until those who run the dataset let you use it again. They told you why by mail.
access-sign-by = An agreement that you signed has a new version. Sign it by { $date } (UTC) to keep your access.
access-see-decision = See the decision
access-see-comment = Read the comment
access-make-token = Make a download token
access-your-request = Your request
access-for-project = For your project
access-other-project = Request it for another project
access-read-agreement = Read the agreement
access-read-agreements = What you would sign:
access-recorded = Every download is recorded.
step-sign-in = Sign in
step-signed-in = Signed in
step-sign-in-text = With a verified e-mail address
step-signed-in-text = As { $name }
step-sign = Sign the agreement
step-signed = Agreement signed
step-sign-text = About five minutes; your draft is kept
step-signed-text = The receipt is with your request
step-reviewed = Reviewed
step-reviewed-text = The reviewers approved
step-review = Review
step-review-text = { $n ->
    [one] { $n-shown } reviewer has to approve
   *[other] { $n-shown } reviewers have to approve
}
step-download = Download
step-download-text = In the browser, or with a token
step-granted-text = Until { $date }
next-step = Next: { $step }
next-download = Browse and download
next-sign-in = Sign in to begin
next-verify = Verify your address
next-sign = Sign the agreement
next-draft = Go on with your draft
next-answer = Answer the reviewer
next-again = Sign again
next-new-versions = Read what changed and sign
next-follow = Follow your request
agreement-version = Version { $version } · { $language }
agreement-since = published { $date }
agreement-aside = No account needed
agreement-aside-text = You can read the agreement without saying who you are. You are asked only when you sign.
agreement-languages = Languages
agreement-versions = Versions
agreement-version-number = Version { $version }
agreement-superseded = A newer version has replaced this one. What was signed stays readable here.
agreement-translation = This is a translation for information. The text that binds is the one in { $language }.
agreement-read-binding = Read the binding text
form-version-number = Version { $version }
form-superseded = A newer version has replaced this one. What was answered stays readable with each request.
form-newest = See the form in force
form-read-only = This is what applicants are asked. It is filled in on a dataset’s page.
form-datasets = Datasets that use this form
agreement-newest = Read the version in force
agreement-sign-by = Whoever signed an earlier version signs this one by { $date } (UTC) to keep their access.
agreement-changes = What changed between versions
agreement-changes-title = What changed: { $agreement }
agreement-changes-from = From
agreement-changes-to = To
agreement-compare = Compare
agreement-language = Language
agreement-changes-none = Nothing differs between these versions in this language.
agreement-part-title = Title
agreement-part-text = Text
agreement-part-statement = Statement
agreement-part-consent = Consent to sign electronically
text-contents = Contents
text-table = Table { $number-shown }
text-code = Preformatted text { $number-shown }
release = Release
releases = Releases
releases-all = All releases
releases-title = Releases of { $dataset }
releases-none = Nothing has been imported yet.
release-number = Release { $number }
release-title = { $dataset }, release { $number }
release-published = Published
release-superseded = A newer release has replaced this one. Files that it changed or no longer has can’t be downloaded any more; their list and hashes stay.
release-newest = See the newest release
release-manifest = What it holds
release-manifest-text = The list of its files and hashes stays the same for ever. This is the hash of that list, which the audit log has too.
release-address = Address of its files
release-cite = Cite this release
release-citation = { $publisher } ({ $year }). { $title }, release { $number }. { $address }
release-difference = Difference to the release before
release-first = This is the first release.
release-added = { $n ->
    [one] 1 file added
   *[other] { $n-shown } files added
}
release-changed = { $n ->
    [one] 1 file changed
   *[other] { $n-shown } files changed
}
release-removed = { $n ->
    [one] 1 file removed
   *[other] { $n-shown } files removed
}
release-withdrawn = Withdrawn
release-under-embargo = Under embargo
release-embargoed = Under embargo until
release-embargoed-text = Until then nobody can download it, and its files are not named. The release before it stays the current one.
release-files-embargoed = The files will be listed when the embargo ends.
release-current = Current
release-coming = Release { $number } is under embargo until { $date }
access-earlier = You may download releases up to { $last } until { $date }. Your access does not cover the newer one.
access-later-requested = Access covers the releases that are there when it is given. Later ones must be requested separately, on this page.
next-newer = Request the newer release
release-files-unsaid = Which files is not said, for a release that had them was withdrawn.
badge-retired = Retired
dataset-retired = This dataset was retired on { $date }. People who have access keep it until it ends; no new requests are taken.
dataset-retired-open = This dataset was retired on { $date }. Its files stay where they are.
column-share = Share of { $size }
column-share-of = Share

## What is shown of tables before access

look-heading = Look inside
look-title = Look inside { $dataset }
look-pictures = Contact sheet
look-tables = Tables
look-before-rows = Everybody sees the first rows: the publisher chose so.
look-before-columns = Everybody sees what the columns hold: the publisher chose so.
look-extent = { $rows ->
    [one] { $rows-shown } row
   *[other] { $rows-shown } rows
}, { $columns ->
    [one] { $columns-shown } column
   *[other] { $columns-shown } columns
}
look-all = { $n ->
    [one] All columns, one by one
   *[other] All columns, one by one, of { $n-shown } tables
}
look-more-columns = { $n ->
    [one] { $n-shown } more column is not described.
   *[other] { $n-shown } more columns are not described.
}
look-rows = First rows
look-rows-of = First rows of { $file }
look-columns-of = Columns of { $file }
look-column = Column { $number }
look-missing = { $share }% missing
look-range = { $low } to { $high }
look-range-median = { $low } to { $high }, median { $median }
look-frequent = “{ $value }” { $share }%
look-distinct = { $n ->
    [one] one value
   *[other] { $n-shown } values
}
look-distinct-many = more than 1,000 values
column-kind = Kind
column-values = Values
column-kind-empty = empty
column-kind-integer = whole number
column-kind-decimal = decimal number
column-kind-day = date
column-kind-text = text
readme-cut = Only the beginning of the file is shown.
expect-heading = What to expect
expect-unknown = Too few requests have been decided so far to say how long it takes.
expect-promised = { $n ->
    [one] The committee says that it decides within one working day.
   *[other] The committee says that it decides within { $n-shown } working days.
}
expect-approved = { $approved ->
    [0] None of the last { $decisions-shown } requests was approved.
    [one] One of the last { $decisions-shown } requests was approved.
   *[other] { $approved-shown } of the last { $decisions-shown } requests were approved.
}
expect-within = Half were decided { $half }, nine of ten { $most }.
expect-days = { $n ->
    [0] on the day they were sent
    [one] within one working day
   *[other] within { $n-shown } working days
}
feed = Feed of what is new (Atom)
