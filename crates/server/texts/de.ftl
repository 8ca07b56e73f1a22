# Was die Konsole auf Deutsch sagt. Jede Sprache hat dieselben Namen.

skip = Zum Inhalt springen
navigation = Hauptmenü
sign-out = Abmelden

home-title = Start
home-hello = Guten Tag, { $name }
home-lead = Dies ist die Konsole eines Dienstes, der Gespräche mit Sprachmodellen treuhänderisch verwahrt.
home-roles = Was Sie hier sind
home-account = Mein Konto

role-person = Ihre eigenen Gespräche
role-about-person = Was über Sie aufbewahrt wird, dürfen Sie sehen und bestimmen. Dafür gibt es hier noch keine Seiten: Fragen Sie, wer diesen Dienst betreibt.
role-tenant-admin = Verwaltung
role-about-tenant-admin = Sie verwalten Ihre Organisation: Tarif, Schlüssel und Konten.
role-support = Kundendienst
role-about-support = Sie sehen die Grunddaten von Konten, aber keine Inhalte.
role-trust-and-safety = Sicherheit und Missbrauch
role-about-trust-and-safety = Sie gehen Missbrauch nach. Sie sehen, was gemeldet wurde, und jeder Blick wird protokolliert.
role-research = Forschung
role-about-research = Sie sehen Zahlen über viele Menschen, nie über einen einzelnen.
role-engineering = Technik
role-about-engineering = Sie halten das Programm am Laufen. Sie sehen seine Protokolle, in denen keine Inhalte stehen.
role-legal = Recht
role-about-legal = Sie antworten Gerichten und Behörden, mit Aufbewahrungspflichten und Ausleitungen.
role-partner = Partner
role-about-partner = Sie arbeiten von außen mit der Organisation. Sie sehen Zahlen über viele Menschen, nie über einen einzelnen.
role-auditor = Prüfung
role-about-auditor = Sie prüfen, ob Versprechen gehalten werden. Sie sehen Belege, aber keine Inhalte.

sign-in-title = Anmelden
sign-in = Anmelden
sign-in-lead = Ihre Gespräche werden treuhänderisch verwahrt. Melden Sie sich an, um zu sehen, was aufbewahrt wird und warum.
sign-in-login = E-Mail-Adresse oder Benutzername
sign-in-password = Passwort
sign-in-or = oder
sign-in-passkey = Mit einem Passkey anmelden
sign-in-provider = Mit { $provider } anmelden
sign-in-help = Kein Konto oder kein Zugang? Fragen Sie, wer diesen Dienst für Ihre Organisation betreibt.
sign-in-wrong = Der Name oder das Passwort stimmt nicht. Bitte versuchen Sie es noch einmal.
sign-in-throttled = Zu viele Versuche sind fehlgeschlagen. Bitte warten Sie { $minutes ->
    [one] eine Minute
   *[other] { $minutes } Minuten
  } und versuchen Sie es dann wieder. In einem Browser, mit dem Sie sich schon angemeldet haben, oder mit einem Passkey können Sie sich weiterhin anmelden.
sign-in-disabled = Dieses Konto ist gesperrt. Fragen Sie, wer diesen Dienst für Ihre Organisation betreibt.
sign-in-unlinked = Dort sind Sie bekannt, aber Sie haben hier kein Konto. Fragen Sie, wer diesen Dienst für Ihre Organisation betreibt.
sign-in-provider-failed = Die Anmeldung dort ist nicht gelungen. Bitte versuchen Sie es noch einmal, oder melden Sie sich anders an.
sign-in-passkey-refused = Dieser Passkey wurde nicht angenommen. Bitte versuchen Sie es noch einmal, oder melden Sie sich anders an.
sign-in-ended = Sie wurden abgemeldet, weil Ihre Sitzung zu Ende ist. An Ihren Daten hat sich nichts geändert.

passkeys-title = Passkeys
passkeys-about = Mit einem Passkey meldet Ihr Gerät Sie an: mit Fingerabdruck, Gesicht oder PIN. Er lässt sich weder erraten noch abfischen.
passkeys-none = Sie haben noch keinen Passkey.
passkey-name = Ein Name für den neuen Passkey
passkey-add = Passkey hinzufügen
passkey-added = Hinzugefügt
passkey-used = zuletzt benutzt
passkey-remove = Entfernen
passkey-remove-label = Den Passkey { $name } entfernen
passkey-failed = Ihr Gerät hat nicht geantwortet, oder Sie haben abgebrochen. Es hat sich nichts geändert; Sie können es noch einmal versuchen.
passkey-script = Passkeys brauchen JavaScript, weil Browser kein Formular dafür haben. Alles andere geht hier ohne.

account-title = Mein Konto
account-lead = Sie sind angemeldet als { $login }.
account-name = Name
account-name-label = Wie diese Konsole Sie nennt
account-name-save = Namen speichern
account-name-unfit = Ein Name hat 1 bis 128 Zeichen. Es hat sich nichts geändert.
account-password = Passwort
account-password-about = Wenn Sie es ändern, werden alle anderen Browser abgemeldet.
account-password-current = Bisheriges Passwort
account-password-new = Neues Passwort, mindestens 12 Zeichen
account-password-repeated = Neues Passwort noch einmal
account-password-save = Passwort ändern
account-password-differs = Die beiden neuen Passwörter sind verschieden. Es hat sich nichts geändert.
account-password-wrong = Das bisherige Passwort stimmt nicht. Es hat sich nichts geändert.
account-password-unfit = Ein Passwort hat mindestens 12 Zeichen. Es hat sich nichts geändert.
account-sessions = Wo Sie angemeldet sind
account-sessions-about = Wenn Sie davon etwas nicht erkennen, melden Sie es ab und ändern Sie Ihr Passwort.
account-session-this = Dieser Browser
account-session-since = seit
account-session-until = bis
account-session-end = Abmelden
account-session-end-label = { $device } abmelden, angemeldet seit { $since }
account-sessions-end-others = Alle anderen abmelden
account-sessions-end-all = Überall abmelden
account-device-unknown = Unbekannter Browser
account-method-password = Mit Passwort
account-method-passkey = Mit Passkey
account-method-provider = Über einen Anbieter
account-done-name = Ihr Name ist gespeichert.
account-done-password = Ihr Passwort ist geändert, und alle anderen Browser sind abgemeldet.
account-done-passkey-added = Der Passkey ist hinzugefügt. Sie können sich ab jetzt damit anmelden.
account-done-passkey-removed = Der Passkey ist entfernt. Er meldet Sie nicht mehr an.
account-done-session-ended = Dieser Browser ist abgemeldet.
account-done-others-ended = Alle anderen Browser sind abgemeldet.

preferences-title = Sprache und Darstellung
preferences-language = Sprache
preferences-appearance = Darstellung
appearance-browser = Wie der Browser
appearance-light = Hell
appearance-dark = Dunkel

privacy-control-title = Global Privacy Control
privacy-control-seen = Ihr Browser sendet das Signal Global Privacy Control.
privacy-control-received = Empfangen
privacy-control-recorded = Empfangen und festgehalten
privacy-control-means = Es wird hier beachtet: Es nimmt jedes Ja zu Training und Weitergabe zurück, das Sie vorher gegeben haben. Ein späteres Ja ist Ihr eigenes Wort und gilt.
privacy-control-off = Ihr Browser sendet dieses Signal nicht. Wo er es tut, nimmt es jedes Ja zu Training und Weitergabe zurück, das Sie vorher gegeben haben, und diese Seite sagt es.

refused-home = Zurück zum Anfang
refused-not-found-title = Hier ist nichts
refused-not-found = Vielleicht ist die Adresse falsch geschrieben, oder die Seite ist nicht für Sie bestimmt.
refused-invalid-title = Das ging nicht
refused-invalid = Was gesendet wurde, war nicht zu gebrauchen. Es hat sich nichts geändert. Gehen Sie zurück und versuchen Sie es noch einmal.
refused-forbidden-title = Das dürfen Sie nicht
refused-forbidden = Ihre Rolle erlaubt es nicht. Nichts wurde gelesen oder geändert.
refused-form-expired-title = Dieses Formular ist veraltet
refused-form-expired = Es gehört zu einer anderen Sitzung, vielleicht zu einer, die zu Ende ist. Es hat sich nichts geändert. Öffnen Sie die Seite neu und wiederholen Sie es.
refused-foreign-form-title = Das kam von einer anderen Seite
refused-foreign-form = Eine andere Website wollte in Ihrem Namen handeln. Es wurde nicht ausgeführt, und es hat sich nichts geändert.
refused-method-title = Das geht hier nicht
refused-method = Diese Adresse nimmt eine solche Anfrage nicht an. Es hat sich nichts geändert.
refused-too-large-title = Das ist zu viel
refused-too-large = Es wurde mehr gesendet, als ein Formular fasst. Es hat sich nichts geändert.
refused-too-slow-title = Das hat zu lange gedauert
refused-too-slow = Die Antwort kam nicht rechtzeitig. Vielleicht wurde ausgeführt, was Sie gesendet haben, vielleicht nicht: Sehen Sie nach, bevor Sie es wiederholen.
refused-too-many-title = Bitte warten Sie
refused-too-many = Zu viele Versuche sind fehlgeschlagen. Bitte versuchen Sie es in { $minutes ->
    [one] einer Minute
   *[other] { $minutes } Minuten
  } wieder.
refused-signed-out-title = Sie sind abgemeldet
refused-signed-out = Ihre Sitzung ist zu Ende. Es hat sich nichts geändert. Melden Sie sich an und wiederholen Sie es.
refused-unavailable-title = Gerade nicht verfügbar
refused-unavailable = Der Dienst kann das im Augenblick nicht. Was von Ihnen aufbewahrt wird, ist davon nicht betroffen. Bitte versuchen Sie es gleich noch einmal.
