mail-greeting = Hello { $name },
mail-greeting-unnamed = Hello,
mail-footer = Sent by Countersign at { $address }. Replies to this address are not read.
mail-footer-of = Sent by { $name } ({ $address }). Replies to this address are not read.
mail-verify-email-subject = Verify your address
mail-verify-email-body = Open this page to show that this address is yours. The link works for three days.

    If you did not register, ignore this message: without the click nothing happens.
mail-verify-email-button = Verify my address
mail-already-registered-subject = You already have an account
mail-already-registered-body = Somebody, probably you, tried to register this address. It has an account already, so nothing was changed.

    If you forgot your password, you can choose a new one.
mail-already-registered-button = Choose a new password
mail-reset-password-subject = Choose a new password
mail-reset-password-body = Open this page to choose a new password. The link works for one hour, once.

    If you did not ask for this, ignore this message: your password stays as it is.
mail-reset-password-button = Choose a new password
mail-verify-new-email-subject = Verify your new address
mail-verify-new-email-body = Open this page, signed in, to make this the address of your account. The link works for three days.

    If you have no account here, ignore this message: without the click nothing happens.
mail-verify-new-email-button = Use this address
mail-email-changed-subject = Your account has another address now
mail-email-changed-body = The address of your account was changed to { $other }. This address no longer works for signing in.

    If this was not you, write to the people who run this gateway at once.
mail-email-changed-button = See what to do
mail-request-settled-subject = { $other }’s request for { $dataset }: { $stage }
mail-request-settled-body = The request of { $other } for { $dataset }, which you were asked to decide, is { $stage }. There is nothing left to do.
mail-request-settled-button = See the request
mail-stage-approved = approved
mail-stage-rejected = rejected
mail-stage-returned = returned for changes
mail-stage-withdrawn = withdrawn
mail-quorum-out-of-reach-subject = { $other } asks for { $dataset }, and the reviewers can’t decide alone
mail-quorum-out-of-reach-body = { $other } signed the agreement for { $dataset }. The reviewers who can vote are too few for the approvals that the dataset needs. As an owner you can name further reviewers, or decide in their place.
mail-quorum-out-of-reach-button = Read the request
mail-still-waiting-subject = Reminder: { $other } waits for { $dataset }
mail-still-waiting-body = { $other } sent a request for { $dataset } on { $date }, and it still waits for your decision.
mail-still-waiting-button = Read the request
mail-overdue-subject = Overdue: { $other } waits for { $dataset }
mail-overdue-body = { $other } sent a request for { $dataset } on { $date }. The days that the committee has for a decision are over. The committee’s members who have not voted and the owners get this message; an owner can decide in the committee’s place.
mail-overdue-button = Read the request
mail-one-approval-missing-subject = One approval is missing: { $other } asks for { $dataset }
mail-one-approval-missing-body = Another reviewer has approved the request of { $other } for { $dataset }. One more approval decides it, and you can give it.
mail-one-approval-missing-button = Read the request
mail-request-received-subject = Your request for { $dataset } has arrived
mail-request-received-body = You signed the agreement for { $dataset }, and your request is with the reviewers. You get mail as soon as they have decided.

    The page of your request has the receipt of your signature.
mail-request-received-button = Follow your request
mail-review-waiting-subject = { $other } asks for { $dataset }
mail-review-waiting-body = { $other } signed the agreement for { $dataset } and waits for your decision.
mail-review-waiting-button = Read the request
mail-approved-subject = You may download { $dataset }
mail-approved-body = Your request for { $dataset } was approved. You have access until { $date }.
mail-approved-button = See how to download
mail-approved-to-sign-subject = { $dataset } is approved: sign what has changed
mail-approved-to-sign-body = Your request for { $dataset } was approved, until { $date }. One of its agreements has had a new version since you signed. Sign that one, and you can download at once.
mail-approved-to-sign-button = Read what changed and sign
mail-approved-suspended-subject = { $dataset } is approved, and your access is suspended
mail-approved-suspended-body = Your request for { $dataset } was approved, until { $date }. Your access was suspended before, and stays so: you can download once those who run the dataset let you use it again.
mail-approved-suspended-button = See the request
mail-rejected-subject = Your request for { $dataset } was rejected
mail-rejected-body = Your request for { $dataset } was rejected. This is what the reviewer wrote:
mail-rejected-button = See the decision
mail-returned-subject = Change your request for { $dataset }
mail-returned-body = A reviewer asks you to change something in your request for { $dataset }. Everything you wrote is still there; change it and sign again.
mail-returned-button = Answer the reviewer
mail-grant-revoked-subject = Your access to { $dataset } was revoked
mail-grant-revoked-body = Your access to { $dataset } was revoked. Downloads and tokens for it no longer work. This is the reason given:
mail-grant-revoked-button = See the dataset
mail-grant-suspended-subject = Your access to { $dataset } is suspended
mail-grant-suspended-body = Your access to { $dataset } is suspended. Downloads and tokens for it do not work until it is restored. This is the reason given:
mail-grant-suspended-button = See the dataset
mail-grant-resumed-subject = You can use your access to { $dataset } again
mail-grant-resumed-body = Your access to { $dataset } is suspended no longer. Downloads and tokens for it work again. Where a newer version of an agreement has to be signed first, the dataset’s page says so.
mail-grant-resumed-button = See the dataset
mail-grant-end-changed-subject = Your access to { $dataset } now ends on { $date }
mail-grant-end-changed-body = The end of your access to { $dataset } was changed: its last day is { $date } (UTC) now. This is the reason given:
mail-grant-end-changed-button = See the dataset
mail-grant-ending-subject = Your access to { $dataset } ends soon
mail-grant-ending-body = Your access to { $dataset } ends on { $date }. If you need it longer, sign the agreement again.
mail-grant-ending-button = See the dataset
mail-new-version-published-subject = New version of { $title }: sign it by { $date }
mail-new-version-published-body = { $title }, which you signed, has a new version. Sign it by { $date } (UTC) to keep your access. The page shows what has changed, word by word.
mail-new-version-published-button = Read what changed and sign
mail-new-version-reminder-subject = Sign the new version of { $title } by { $date }
mail-new-version-reminder-body = You have not signed the new version of { $title } for your present access yet. Without it that stops at the end of { $date } (UTC); you can sign later, and then have it back.
mail-new-version-reminder-button = Read what changed and sign
mail-new-version-stopped-subject = Your access has stopped until you sign { $title }
mail-new-version-stopped-body = The new version of { $title } had to be signed by { $date } (UTC), and your access has stopped. Sign it, and you can download again at once.
mail-new-version-stopped-button = Read what changed and sign
mail-project-invitation-subject = You are invited to a project
mail-project-invitation-body = { $other } invites you to a project. Sign in or register with this address to see what it is for, and to join it.

    If you do not know them, ignore this message: without you nothing happens.
mail-project-invitation-button = See the project
mail-member-joined-subject = { $other } has joined your project
mail-member-joined-body = { $other } has joined your project “{ $title }”. They sign its agreements for themselves, and can download once they have.
mail-member-joined-button = See the project
mail-member-to-sign-subject = Sign for { $dataset }
mail-member-to-sign-body = { $other } has asked for { $dataset } for a project that you are a member of. Sign the agreements for yourself to get access with it.
mail-member-to-sign-button = Read and sign
mail-member-removed-subject = You are no longer a member of a project
mail-member-removed-body = You were removed from the project “{ $title }”. Downloads and tokens no longer work with its access.
mail-member-removed-button = See your projects
mail-organisation-invitation-subject = You are invited to be { $stage } of { $title }
mail-organisation-invitation-body = { $other } invites you to be { $stage } of { $title }. Sign in or register with this address, and accept on the page that opens.

    If you do not know them, ignore this message: without you nothing happens.
mail-organisation-invitation-button = See the invitation
mail-organisation-left-subject = You no longer work for { $title } here
mail-organisation-left-body = An owner of { $title } has ended your part in it. You no longer see what it holds.
mail-organisation-left-button = See the catalogue
mail-dataset-offered-subject = { $dataset } is offered to { $title }
mail-dataset-offered-body = Another organisation offers to hand { $dataset } over to { $title }, with its agreements and the access it has given. As an owner you can take it, or decline.
mail-dataset-offered-button = See the offer
