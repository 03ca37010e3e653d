skip-to-content = Skip to the content
nav-menu = Menu
nav-main = Main
nav-datasets = Datasets
nav-projects = Projects
nav-review = Review
nav-admin = Administration
nav-account = My account
nav-search = Search
nav-sign-in = Sign in
nav-sign-out = Sign out
nav-register = Register
footer-log = { $n ->
    [one] { $n-shown } entry in the audit log
   *[other] { $n-shown } entries in the audit log
}
footer-checkpoint = Signed checkpoint
footer-recorded = What is recorded, and who sees it
site-run-by = Run by { $name }
site-contact = Contact
site-privacy = Privacy notice
site-help = Help
site-logo = Logo
password-show = Show the password
page-later = Next page
pages = Pages
title-error = Error: { $title }
form-errors = Some fields need your attention
lasting-a-moment = less than a minute
lasting-minutes = { $n ->
    [one] { $n-shown } minute
   *[other] { $n-shown } minutes
}
lasting-hours = { $n ->
    [one] { $n-shown } hour
   *[other] { $n-shown } hours
}
lasting-days = { $n ->
    [one] { $n-shown } day
   *[other] { $n-shown } days
}
files-count = { $n ->
    [one] { $n-shown } file
   *[other] { $n-shown } files
}
column-name = Name
column-files = Files
column-size = Size
column-modified = Modified
column-dataset = Dataset
column-stage = State
column-sent = Sent
column-applicant = Applicant
column-waiting = Waiting for
column-roles = Roles
column-do = Action
field-name = Name
field-full-name = Full name
field-email = E-mail address
field-affiliation = Institution
field-optional = Optional.
field-password = Password
field-old-password = Current password
field-new-password = New password
field-mail-language = Language of mail to you
field-reason = Reason
badge-need-agreement = Need authorization agreement
badge-open = Open
badge-suspended = Suspended
help-title = What is recorded, and who sees it
help-1-heading = Every step
help-1-text = Registration, signing in, signatures, reviews, grants, tokens and each download are entries in an audit log. A download is recorded before its first byte leaves, with the part of the file that was asked for; what was really sent is recorded after it.
help-2-heading = No names in the log itself
help-2-text = Entries name accounts by a number. Names, addresses, answers and comments are stored beside the entry, which holds only a salted hash of them. When a person’s data is erased the log still verifies, and says that something was erased.
help-3-heading = Who sees it
help-3-text = You see your own entries on your account page. Reviewers of a dataset, and those who publish it, see the requests for it. Auditors see everything; when they export the log, the export is recorded too.
help-4-heading = Nobody can rewrite it
help-4-text = The entries are the leaves of a Merkle tree (RFC 6962). Its signed head, the checkpoint, is public. Whoever kept an earlier checkpoint can prove that nothing was changed, removed or reordered since.
help-5-heading = Your receipt is a witness
help-5-text = The receipt of your signature holds the proof that it is in the log, and a checkpoint. It can be checked offline, years later, with this key:
