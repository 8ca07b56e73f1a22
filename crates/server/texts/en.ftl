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
role-engineering = Engineering
role-about-engineering = You keep the program running. You see its logs, which hold no content.
role-legal = Legal
role-about-legal = You answer courts and authorities, with holds and exports.
role-partner = Partner
role-about-partner = You work with the organisation from outside. You see figures about many people, never about one.
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
