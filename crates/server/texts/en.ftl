# What the console says in English. Every language has the same names.

skip = Skip to the content
navigation = Main
sign-out = Sign out

home-title = Home
home-hello = Hello, { $name }
home-lead = This is the console of a service that keeps conversations with language models in trust.
home-roles = What you are here
home-account = My account

role-person = Your own conversations
role-about-person = What is kept about you is yours to see and to decide about. There are no pages for that yet: ask whoever runs this service.
role-tenant-admin = Administration
role-about-tenant-admin = You govern your organisation: its plan, its keys and its accounts.
role-support = Support
role-about-support = You see the basics of accounts, and no content.
role-trust-and-safety = Trust and safety
role-about-trust-and-safety = You look into misuse. You see what was flagged, and every look is logged.
role-research = Research
role-about-research = You see figures about many people, never about one.
role-legal = Legal
role-about-legal = You answer courts and authorities, with holds and exports.
role-auditor = Audit
role-about-auditor = You check that promises are kept. You see evidence, and no content.

sign-in-title = Sign in
sign-in = Sign in
sign-in-lead = Your conversations are kept in trust. Sign in to see what is kept, and why.
sign-in-login = E-mail address or user name
sign-in-password = Password
sign-in-or = or
sign-in-passkey = Sign in with a passkey
sign-in-provider = Sign in with { $provider }
sign-in-help = No account, or no way in? Ask whoever runs this service for your organisation.
sign-in-wrong = The name or the password is not right. Please try again.
sign-in-throttled = Too many attempts failed. Please wait { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  } and try again. In a browser you signed in with before, or with a passkey, you can still sign in.
sign-in-disabled = This account is disabled. Ask whoever runs this service for your organisation.
sign-in-unlinked = You are known there, but you have no account here. Ask whoever runs this service for your organisation.
sign-in-provider-failed = Signing in there did not work. Please try again, or sign in another way.
sign-in-passkey-refused = This passkey was not accepted. Please try again, or sign in another way.
sign-in-ended = You were signed out because your session ended. Nothing of yours has changed.

passkeys-title = Passkeys
passkeys-about = A passkey signs you in with your device: by fingerprint, face or PIN. It cannot be guessed or phished.
passkeys-none = You have no passkey yet.
passkey-name = A name for the new passkey
passkey-add = Add a passkey
passkey-added = Added
passkey-used = last used
passkey-remove = Remove
passkey-remove-label = Remove the passkey { $name }
passkey-failed = Your device did not answer, or you stopped it. Nothing has changed; you can try again.
passkey-script = Passkeys need JavaScript, because browsers offer no form for them. Everything else here works without it.

account-title = My account
account-lead = You are signed in as { $login }.
account-name = Name
account-name-label = What this console calls you
account-name-save = Save name
account-name-unfit = A name has 1 to 128 characters. Nothing has changed.
account-password = Password
account-password-about = Changing it signs every other browser out.
account-password-current = Current password
account-password-new = New password, at least 12 characters
account-password-repeated = New password again
account-password-save = Change password
account-password-differs = The two new passwords differ. Nothing has changed.
account-password-wrong = The current password is not right. Nothing has changed.
account-password-unfit = A password has at least 12 characters. Nothing has changed.
account-sessions = Where you are signed in
account-sessions-about = If you do not recognise one of these, sign it out and change your password.
account-session-this = This browser
account-session-since = since
account-session-until = until
account-session-end = Sign out
account-session-end-label = Sign out { $device }, signed in since { $since }
account-sessions-end-others = Sign out all others
account-sessions-end-all = Sign out everywhere
account-device-unknown = Unknown browser
account-method-password = By password
account-method-passkey = By passkey
account-method-provider = By a provider
account-done-name = Your name is saved.
account-done-password = Your password is changed, and every other browser is signed out.
account-done-passkey-added = The passkey is added. You can sign in with it from now on.
account-done-passkey-removed = The passkey is removed. It no longer signs you in.
account-done-session-ended = That browser is signed out.
account-done-others-ended = All other browsers are signed out.

preferences-title = Language and appearance
preferences-language = Language
preferences-appearance = Appearance
appearance-browser = As the browser
appearance-light = Light
appearance-dark = Dark

privacy-control-title = Global Privacy Control
privacy-control-seen = Your browser sends the signal Global Privacy Control.
privacy-control-received = Received
privacy-control-recorded = Received and recorded
privacy-control-means = It is honoured here: it takes back every yes to training and sharing that you gave before. A yes that you give later is your own word, and counts.
privacy-control-off = Your browser does not send this signal. Where it does, it takes back every yes to training and sharing that you gave before, and this page says so.

refused-home = Back to the beginning
refused-not-found-title = There is nothing here
refused-not-found = The address may be mistyped, or the page may not be meant for you.
refused-invalid-title = That did not work
refused-invalid = What was sent could not be used. Nothing has changed. Go back and try again.
refused-forbidden-title = This is not yours to do
refused-forbidden = Your role does not permit it. Nothing was read or changed.
refused-form-expired-title = This form is out of date
refused-form-expired = It was made for another session, perhaps one that has ended. Nothing has changed. Open the page again and repeat it.
refused-foreign-form-title = This came from another site
refused-foreign-form = Another website tried to act in your name. It was not carried out, and nothing has changed.
refused-method-title = That is not possible here
refused-method = This address takes no such request. Nothing has changed.
refused-too-large-title = That is too much
refused-too-large = More was sent than a form can hold. Nothing has changed.
refused-too-slow-title = That took too long
refused-too-slow = The answer did not come in time. What you sent may or may not have been carried out: look before you repeat it.
refused-too-many-title = Please wait
refused-too-many = Too many attempts failed. Please try again in { $minutes ->
    [one] a minute
   *[other] { $minutes } minutes
  }.
refused-signed-out-title = You are signed out
refused-signed-out = Your session has ended. Nothing has changed. Sign in and repeat it.
refused-unavailable-title = Not available just now
refused-unavailable = The service cannot do this at the moment. What is kept of yours is not affected. Please try again shortly.

# What staff administer.

admin-requests = Requests
admin-people = People
admin-campaigns = Campaigns
admin-notices = Notices
admin-problem = Nothing has changed.
admin-all = All
admin-none = None
admin-unknown = Unknown
admin-choose = Please choose
admin-filter = Show
admin-pages = Pages
admin-pages-first = To the newest
admin-pages-next = Older
admin-purpose-batch-training = Training models
admin-purpose-active-learning = Learning from single chats
admin-purpose-safety-training = Recognising misuse
admin-purpose-feedback = Feedback
admin-purpose-partner-use = Partners
admin-purpose-research = Research
admin-notices-lead = A notice is the question that people are asked, with everything they must know to answer it. A version never changes once it is published.
admin-notices-write = Write a version
admin-notices-write-label = Write a version: { $purpose }
admin-notices-none = Nothing was published yet, so nobody can be asked.
admin-notice-language = Language
admin-notice-version = Version
admin-notice-published = published
admin-notice-superseded = Superseded
admin-notice-in-force = In force
admin-notice-as-seen = As people see it
admin-notice-facts = More about it
admin-notice-grade = Reading grade
admin-notice-hash = Digest (SHA-256)
admin-notice-changed = What changed since the version before
admin-notice-history = All versions in this language
admin-notice-next = Write the next version
admin-notice-ask = Ask people with this version
admin-notice-unchanged = unchanged
admin-notice-before = In force
admin-notice-after = New
admin-notice-removed = removed:
admin-notice-added = added:
admin-notice-change-end = end
admin-notice-yes = Yes
admin-notice-no = No
admin-notice-nobody = Nobody
admin-notice-purpose = Purpose
admin-notice-title = The question in one line
admin-notice-text = What people are shown
admin-notice-text-hint = Short words, short sentences. An empty line begins a paragraph. Grade 8 at most.
admin-notice-retention = What it means for how long things are kept
admin-notice-withdrawal = How a yes is taken back
admin-notice-data = Which data
admin-notice-processing = What is done with it
admin-notice-recipients = Who else receives it
admin-notice-rights = Which rights people have
admin-notice-storage-locations = Where it is stored
admin-notice-processing-locations = Where it is processed
admin-notice-jurisdictions = Whose law applies
admin-notice-authority = To whom one can complain
admin-notice-validity = For how long a yes counts
admin-notice-validity-hint = Such as 2 years. Empty: until it is taken back.
admin-notice-one-per-line = One in each line.
admin-notice-special-categories = Special categories of data may be among it (GDPR article 9)
admin-notice-controllers = Who decides about the use
admin-notice-controller = Who decides about the use: { $place }
admin-notice-controller-id = Identifier others can look up
admin-notice-controller-name = Name
admin-notice-controller-address = Address
admin-notice-controller-contact = Whom to ask
admin-notice-controller-role = Role
admin-notice-role-controller = Controller
admin-notice-role-joint-controller = Joint controller
admin-notice-role-processor = Processor
admin-notice-missing = “{ $field }” is missing.
admin-notice-in-brackets = “{ $field }” has something in brackets that you must fill in.
admin-notice-from-published = The version in force ({ $language })
admin-notice-from-shipped = The one that comes with the program ({ $language })
admin-notice-grade-fits = Grade { $grade } by { $formula }: people can read it (8 or less).
admin-notice-grade-high = Grade { $grade } by { $formula }: too hard. Use shorter words and sentences until it is 8 or less.
admin-notice-no-formula = There is no formula for this language, or no text: have somebody read it who is not from the trade.
admin-editor = Write a notice
admin-editor-lead = Nothing is stored until you publish: the draft lives in this form. Check it as often as you like.
admin-editor-checked = What the check found
admin-editor-complete = Nothing is missing. It can be published.
admin-editor-incomplete = It cannot be published yet:
admin-editor-compared = Beside version { $version }, which is in force
admin-editor-first = There is no version in this language yet to compare with.
admin-editor-beginnings = Begin with
admin-editor-check = Check
admin-editor-publish = Publish
admin-editor-publish-hint = What is published never changes, and people who answered are not asked again by it. To ask them, open a campaign afterwards.
admin-requests-lead = What people asked about their data, in the order in which to work on it. Who pays may come first, and nobody becomes late by that.
admin-requests-take-in = Take a request in
admin-requests-overdue = { $count ->
    [one] One request is overdue. Answer it first, and tell the person why it is late.
   *[other] { $count } requests are overdue. Answer them first, and tell people why they are late.
  }
admin-requests-none = Nothing waits here.
admin-requests-closed = Also those that are closed
admin-requests-more = { $count ->
    [one] One more is not shown; narrow the list down.
   *[other] { $count } more are not shown; narrow the list down.
  }
admin-request-kind = What is asked
admin-request-due = Due
admin-request-state = State
admin-request-law = Law
admin-request-received = Received
admin-request-by-agent = By an agent
admin-request-closed = Closed
admin-request-left = { $days ->
    [one] one day left
   *[other] { $days } days left
  }
admin-request-late = { $days ->
    [one] one day late
   *[other] { $days } days late
  }
admin-request-clock = The clock
admin-request-decided-by = The earliest clock is that of: { $law }.
admin-clock-received = Received
admin-clock-confirm = Confirm by
admin-clock-due = Answer before
admin-clock-extension = Can be extended to
admin-clock-now = Now
admin-clock-closed = Closed
admin-request-obstacles = What is in the way
admin-request-about = About it
admin-request-person = Person
admin-request-erased = Erased: nothing leads to the person any more
admin-request-identity = Who asks
admin-request-identified = It is known who asks
admin-request-not-identified = Not confirmed yet who asks
admin-request-agent = Agent
admin-request-target = About
admin-request-statement = Statement
admin-request-statement-sealed = There is one. It is sealed; reading it makes an entry in the log.
admin-request-statement-none = There is none
admin-request-acts = What can be done now
admin-act-confirm = Confirm receipt
admin-act-ask-identity = Ask who it is
admin-act-identify = It is known who asks
admin-act-begin = Begin
admin-act-extend = Extend
admin-act-fulfil = Carry out
admin-act-refuse = Refuse
admin-act-lift = Lift the restriction
admin-act-about-confirm = The person is told that the request arrived: by mail where there is an address, otherwise by you.
admin-act-about-ask-identity = You asked whoever sent this to show who they are.
admin-act-about-identify = What was shown is not kept; only how you made sure.
admin-act-about-begin = You work on it now.
admin-act-about-extend = It takes longer. The person must be told why before the first date passes.
admin-act-about-fulfil = What is asked is carried out at once. An erasure cannot be undone.
admin-act-about-refuse = The person is told the reason and where they can complain.
admin-act-about-lift = The person must have been told before.
admin-act-method = How you made sure
admin-act-reason = Reason
admin-act-told = The person was told on
admin-act-left-undone = What is left undone and why, for the person
admin-act-sure = I checked who asks and what is in the way
admin-act-note = Note for colleagues
admin-method-signed-in = Signed in
admin-method-account-message = Message from the account
admin-method-document-seen = A document was seen
admin-method-knowledge = They knew what only they can know
admin-method-organization = Their organisation vouches
admin-delay-complexity = It is complex
admin-delay-number-of-requests = There are many requests
admin-delay-consultation = Others must be consulted
admin-delay-conversion = Data must be converted
admin-refusal-manifestly-unfounded = Manifestly unfounded
admin-refusal-excessive = Excessive
admin-refusal-identity-not-confirmed = Not confirmed who asks
admin-refusal-no-mandate = No mandate
admin-refusal-legal-obligation = A legal obligation
admin-refusal-legal-claims = Legal claims
admin-refusal-overriding-grounds = Overriding grounds
admin-refusal-rights-of-others = Rights of others
admin-refusal-not-applicable = The law gives no such right here
admin-reason-signed-in = Signed in
admin-reason-account-message = Message from the account
admin-reason-document-seen = A document was seen
admin-reason-knowledge = They knew what only they can know
admin-reason-organization = Their organisation vouches
admin-reason-complexity = It is complex
admin-reason-number-of-requests = There are many requests
admin-reason-consultation = Others must be consulted
admin-reason-conversion = Data must be converted
admin-reason-manifestly-unfounded = Manifestly unfounded
admin-reason-excessive = Excessive
admin-reason-identity-not-confirmed = Not confirmed who asks
admin-reason-no-mandate = No mandate
admin-reason-legal-obligation = A legal obligation
admin-reason-legal-claims = Legal claims
admin-reason-overriding-grounds = Overriding grounds
admin-reason-rights-of-others = Rights of others
admin-reason-not-applicable = The law gives no such right here
admin-step-open = Received
admin-step-confirm = Receipt confirmed
admin-step-ask-identity = Asked who it is
admin-step-identify = Identified
admin-step-begin = Begun
admin-step-extend = Extended
admin-step-fulfil = Carried out
admin-step-refuse = Refused
admin-step-withdraw = Withdrawn
admin-step-lift = Restriction lifted
admin-request-done-opened = The request is taken in.
admin-request-done-confirm = The receipt is confirmed.
admin-request-done-ask-identity = Noted that you asked who it is.
admin-request-done-identify = Noted that it is known who asks.
admin-request-done-begin = Noted that you began.
admin-request-done-extend = The request is extended.
admin-request-done-fulfil = The request was carried out. The report below says what was done.
admin-request-done-refuse = The request is refused.
admin-request-done-lift = The restriction is lifted.
admin-request-done-export = The files are made.
admin-request-incomplete = The form lacks a reason, a method, a day or the tick that you are sure.
admin-request-files = Files for the person
admin-request-files-none = No file was made yet.
admin-request-file-conversations = { $count ->
    [one] one conversation
   *[other] { $count } conversations
  }
admin-request-file-records = { $count ->
    [one] one record
   *[other] { $count } records
  }
admin-request-recipients = Keys of those who may open the files
admin-request-recipients-hint = Public keys that begin with age1, one in each line. From here files are made sealed only. Each conversation that is opened makes an entry in the log.
admin-request-export = Make the files
admin-request-report = What was done
admin-request-audit = History
admin-request-routes = Where the person can complain
admin-kind-access = Access
admin-kind-export = Copy to take along
admin-kind-correction = Correction
admin-kind-restriction = Restriction
admin-kind-objection = Objection
admin-kind-erasure = Erasure
admin-kind-opt-out = Opt-out
admin-kind-complaint = Complaint
admin-state-received = Received
admin-state-identity-asked = Asked who it is
admin-state-identified = Identified
admin-state-in-progress = In progress
admin-state-extended = Extended
admin-state-fulfilled = Carried out
admin-state-partly-fulfilled = Carried out in part
admin-state-refused = Refused
admin-state-withdrawn = Withdrawn
admin-law-gdpr = GDPR (European Union)
admin-law-ccpa = CCPA (California)
admin-law-lgpd = LGPD (Brazil)
admin-law-pipeda = PIPEDA (Canada)
admin-law-pipl = PIPL (China)
admin-taking-in = Take a request in
admin-taking-in-lead = For a request that reached you by letter, by telephone or through an agent. Its clock runs from the day it arrived.
admin-taking-in-law-policy = As the policy says
admin-taking-in-received = Arrived on (empty: today)
admin-taking-in-statement = For a correction: what is wrong and what is right
admin-taking-in-statement-hint = In the person’s words. It is sealed.
admin-taking-in-new-name = For a correction: the new name by which the application knows the person
admin-taking-in-agent = Somebody asks for the person
admin-taking-in-agent-hint = Without a mandate that shows that they may, nothing is taken in. The paper is not kept, only its digest.
admin-taking-in-agent-name = Name of the agent
admin-taking-in-evidence = SHA-256 of the mandate, 64 hexadecimal digits
admin-taking-in-mandate-from = Valid from
admin-taking-in-mandate-until = Valid until (empty: open)
admin-taking-in-submit = Take in
admin-taking-in-kind-missing = Choose what is asked.
admin-taking-in-law-unknown = There is no such law here.
admin-taking-in-day-unfit = A day is missing, or is none.
admin-people-lead = Account basics and counts. Nothing here shows what somebody wrote.
admin-people-name = The application’s own name for the person
admin-people-name-hint = Exactly as the application sends it. Only a keyed digest of it is stored, so parts of it find nobody.
admin-people-find = Find
admin-people-nobody = Nobody of that name was seen here, or they were erased.
admin-people-name-unfit = A name has 1 to 128 visible ASCII characters.
admin-people-none = Nobody was seen here yet.
admin-person = A person
admin-person-id = Person
admin-person-plan = Plan
admin-person-conversations = Conversations
admin-person-standing = State
admin-person-since = Seen first
admin-person-erased = Erased
admin-person-closed = Account closed
admin-person-open-requests = { $count ->
    [one] one open request
   *[other] { $count } open requests
  }
admin-person-restricted = Restricted
admin-person-basics = Account
admin-person-own-plan = their own
admin-person-organization-plan = the organisation’s
admin-person-contact = Mail address
admin-person-contact-yes = There is one, sealed; nobody can read it here
admin-person-contact-no = There is none; tell the person things another way
admin-person-accounts = Accounts of this console
admin-person-held = What is held, and why
admin-person-held-about = Conversations that a key still opens, counted for each purpose. One conversation can be held for several.
admin-person-held-nothing = Nothing is held.
admin-person-held-for = Held for
admin-held-service = The person’s own use
admin-held-safety = The safety window
admin-held-violation = A violation
admin-held-feedback = Feedback they sent
admin-held-investigation = An investigation
admin-held-legal-hold = A legal hold
admin-person-records = { $count ->
    [one] One sealed record in all.
   *[other] { $count } sealed records in all.
  }
admin-person-deleted = { $count ->
    [one] One conversation was deleted by the person and waits for its end.
   *[other] { $count } conversations were deleted by the person and wait for their end.
  }
admin-person-request = the request
admin-person-opted-out = Opted out
admin-person-not-asked-until = not asked again before
admin-person-objects = Objects to:
admin-person-standings = What the person chose
admin-person-standings-table = Choices by purpose
admin-campaign-groups = By region and language
admin-person-permits = May be used now
admin-person-since-when = Since
admin-standing-given = Given
admin-standing-renewed = Renewed
admin-standing-requested = Asked, no answer yet
admin-standing-deferred = Put off
admin-standing-refused = Refused
admin-standing-withdrawn = Withdrawn
admin-standing-revoked = Revoked
admin-standing-expired = Expired
admin-standing-invalidated = Void
admin-standing-unknown = Never asked
admin-standing-not-asked = There is no question on this plan
admin-campaigns-lead = A campaign puts a question to many people, with a date by which silence is a no.
admin-campaigns-new = Open a campaign
admin-campaigns-none = There was no campaign yet.
admin-campaign = A campaign
admin-campaign-open = Open
admin-campaign-closed = Closed
admin-campaign-answered = { $part } of { $whole } answered
admin-campaign-new-lead = Look first whom it would ask. Nothing is sent and nobody is asked until you open it.
admin-campaign-notice = Notice
admin-campaign-notice-option = { $purpose }, version { $version }
admin-campaign-deadline = Deadline
admin-campaign-deadline-hint = From 00:00 UTC of this day on, silence is a no.
admin-campaign-reason = Why people are asked
admin-campaign-reason-hint = Such as the number of the new policy.
admin-campaign-meanwhile = What a standing yes is worth until then
admin-campaign-meanwhile-continue = It counts until the deadline
admin-campaign-meanwhile-pause = It does not count until there is an answer
admin-campaign-reminders = Reminders
admin-campaign-reminders-hint = How long before the deadline, one in each line, such as 14 days.
admin-campaign-quiet-regions = Regions where nobody is asked again soon
admin-campaign-quiet-hint = Such as US-CA, with commas. This can be stricter than the policy, never looser.
admin-campaign-quiet = For how long after a no, there
admin-campaign-look = See whom it would ask
admin-campaign-open-now = Open the campaign
admin-campaign-preview = Whom it would ask
admin-campaign-would-ask = { $people ->
    [one] It would ask one person.
   *[other] It would ask { $people } people.
  }
admin-campaign-region = Region
admin-campaign-people = People
admin-campaign-not-asked = Who is not asked, and why
admin-not-asked-no-question = Their plan has no such question
admin-not-asked-gone = The account is closed or erased
admin-not-asked-answered = They said yes to this version
admin-not-asked-quiet = They said no not long ago
admin-campaign-notice-missing = Choose a notice that was published.
admin-campaign-deadline-missing = Choose a day as the deadline.
admin-campaign-meanwhile-missing = Choose what a standing yes is worth until then.
admin-campaign-span-unfit = A time is not like “14 days” or “12 months”.
admin-campaign-progress = How it stands
admin-campaign-asked = asked
admin-campaign-given = yes
admin-campaign-refused = no
admin-campaign-unanswered = no answer
admin-campaign-silent = silent at the end
admin-campaign-bar = Share
admin-campaign-extending = People are still being asked, page by page; the figures grow.
admin-campaign-terms = Its terms
admin-campaign-opened = Opened
admin-campaign-remind = Remind now
admin-campaign-remind-hint = Reminds whoever has not answered and is due for a reminder: by mail where there is an address.
admin-campaign-close = Close early
admin-campaign-close-sure = End this campaign now?
admin-campaign-close-means = { $people ->
    [one] One person has not answered; that becomes a no at once.
   *[other] { $people } people have not answered; that becomes a no at once.
  }
admin-campaign-close-yes = End it now
admin-campaign-close-no = Go back
admin-campaign-done-opened = The campaign is open. People are asked page by page.
admin-campaign-done-closed = The campaign is over.
admin-campaign-done-reminded = { $people ->
    [one] One person counts as reminded.
   *[other] { $people } people count as reminded.
  }
