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
role-legal = Recht
role-about-legal = Sie antworten Gerichten und Behörden, mit Aufbewahrungspflichten und Ausleitungen.
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

# What staff administer.

admin-requests = Anfragen
admin-people = Menschen
admin-campaigns = Kampagnen
admin-notices = Hinweise
admin-problem = Es hat sich nichts geändert.
admin-all = Alle
admin-none = Keine
admin-unknown = Unbekannt
admin-choose = Bitte wählen
admin-filter = Anzeigen
admin-pages = Seiten
admin-pages-first = Zu den neuesten
admin-pages-next = Ältere
admin-purpose-batch-training = Modelle trainieren
admin-purpose-active-learning = Aus einzelnen Chats lernen
admin-purpose-safety-training = Missbrauch erkennen
admin-purpose-feedback = Feedback
admin-purpose-partner-use = Partner
admin-purpose-research = Forschung
admin-notices-lead = Ein Hinweis ist die Frage, die Menschen gestellt wird, mit allem, was sie für ihre Antwort wissen müssen. Eine veröffentlichte Fassung ändert sich nie.
admin-notices-write = Fassung schreiben
admin-notices-write-label = Fassung schreiben: { $purpose }
admin-notices-none = Noch ist nichts veröffentlicht, also kann niemand gefragt werden.
admin-notice-language = Sprache
admin-notice-version = Fassung
admin-notice-published = veröffentlicht am
admin-notice-superseded = Ersetzt
admin-notice-in-force = Gültig
admin-notice-as-seen = Wie Menschen es sehen
admin-notice-facts = Mehr dazu
admin-notice-grade = Lesestufe
admin-notice-hash = Prüfsumme (SHA-256)
admin-notice-changed = Was sich seit der vorigen Fassung geändert hat
admin-notice-history = Alle Fassungen in dieser Sprache
admin-notice-next = Die nächste Fassung schreiben
admin-notice-ask = Menschen mit dieser Fassung fragen
admin-notice-unchanged = unverändert
admin-notice-before = Gültig
admin-notice-after = Neu
admin-notice-removed = entfernt:
admin-notice-added = hinzugefügt:
admin-notice-change-end = Ende
admin-notice-yes = Ja
admin-notice-no = Nein
admin-notice-nobody = Niemand
admin-notice-purpose = Zweck
admin-notice-title = Die Frage in einer Zeile
admin-notice-text = Was Menschen gezeigt wird
admin-notice-text-hint = Kurze Wörter, kurze Sätze. Eine Leerzeile beginnt einen Absatz. Höchstens Stufe 8.
admin-notice-retention = Was es dafür bedeutet, wie lange etwas bleibt
admin-notice-withdrawal = Wie ein Ja zurückgenommen wird
admin-notice-data = Welche Daten
admin-notice-processing = Was damit geschieht
admin-notice-recipients = Wer es sonst bekommt
admin-notice-rights = Welche Rechte Menschen haben
admin-notice-storage-locations = Wo es liegt
admin-notice-processing-locations = Wo es verarbeitet wird
admin-notice-jurisdictions = Wessen Recht gilt
admin-notice-authority = Wo man sich beschweren kann
admin-notice-validity = Wie lange ein Ja gilt
admin-notice-validity-hint = Zum Beispiel 2 years. Leer: bis es zurückgenommen wird.
admin-notice-one-per-line = Eines in jeder Zeile.
admin-notice-special-categories = Besondere Kategorien von Daten können dabei sein (DSGVO Artikel 9)
admin-notice-controllers = Wer über die Nutzung entscheidet
admin-notice-controller = Wer über die Nutzung entscheidet: { $place }
admin-notice-controller-id = Kennung, die andere nachschlagen können
admin-notice-controller-name = Name
admin-notice-controller-address = Anschrift
admin-notice-controller-contact = Wen man fragt
admin-notice-controller-role = Rolle
admin-notice-role-controller = Verantwortlicher
admin-notice-role-joint-controller = Gemeinsam Verantwortlicher
admin-notice-role-processor = Auftragsverarbeiter
admin-notice-missing = „{ $field }“ fehlt.
admin-notice-in-brackets = „{ $field }“ hat etwas in Klammern, das Sie ausfüllen müssen.
admin-notice-from-published = Die gültige Fassung ({ $language })
admin-notice-from-shipped = Die mitgelieferte Fassung ({ $language })
admin-notice-grade-fits = Stufe { $grade } nach { $formula }: Das kann man gut lesen (8 oder weniger).
admin-notice-grade-high = Stufe { $grade } nach { $formula }: zu schwer. Nehmen Sie kürzere Wörter und Sätze, bis es 8 oder weniger ist.
admin-notice-no-formula = Für diese Sprache gibt es keine Formel, oder der Text fehlt: Lassen Sie ihn von jemandem lesen, der nicht vom Fach ist.
admin-editor = Einen Hinweis schreiben
admin-editor-lead = Bis Sie veröffentlichen, wird nichts gespeichert: Der Entwurf steht nur in diesem Formular. Prüfen Sie ihn, so oft Sie wollen.
admin-editor-checked = Was die Prüfung ergab
admin-editor-complete = Es fehlt nichts. Er kann veröffentlicht werden.
admin-editor-incomplete = Er kann noch nicht veröffentlicht werden:
admin-editor-compared = Neben Fassung { $version }, die gültig ist
admin-editor-first = In dieser Sprache gibt es noch keine Fassung zum Vergleichen.
admin-editor-beginnings = Beginnen mit
admin-editor-check = Prüfen
admin-editor-publish = Veröffentlichen
admin-editor-publish-hint = Was veröffentlicht ist, ändert sich nie, und wer schon geantwortet hat, wird dadurch nicht noch einmal gefragt. Dazu eröffnen Sie danach eine Kampagne.
admin-requests-lead = Was Menschen zu ihren Daten verlangt haben, in der Reihenfolge der Arbeit. Wer bezahlt, kann zuerst drankommen, aber niemand wird dadurch zu spät bedient.
admin-requests-take-in = Anfrage aufnehmen
admin-requests-overdue = { $count ->
    [one] Eine Anfrage ist überfällig. Beantworten Sie sie zuerst und sagen Sie, warum es so spät ist.
   *[other] { $count } Anfragen sind überfällig. Beantworten Sie sie zuerst und sagen Sie, warum es so spät ist.
  }
admin-requests-none = Hier wartet nichts.
admin-requests-closed = Auch abgeschlossene
admin-requests-more = { $count ->
    [one] Eine weitere wird nicht gezeigt; schränken Sie die Liste ein.
   *[other] { $count } weitere werden nicht gezeigt; schränken Sie die Liste ein.
  }
admin-request-kind = Was verlangt wird
admin-request-due = Fällig
admin-request-state = Stand
admin-request-law = Gesetz
admin-request-received = Eingegangen
admin-request-by-agent = Durch Vertretung
admin-request-closed = Abgeschlossen
admin-request-left = { $days ->
    [one] noch ein Tag
   *[other] noch { $days } Tage
  }
admin-request-late = { $days ->
    [one] seit einem Tag überfällig
   *[other] seit { $days } Tagen überfällig
  }
admin-request-clock = Die Frist
admin-request-decided-by = Die früheste Frist setzt: { $law }.
admin-clock-received = Eingegangen
admin-clock-confirm = Bestätigen bis
admin-clock-due = Antworten vor
admin-clock-extension = Verlängerbar bis
admin-clock-now = Jetzt
admin-clock-closed = Abgeschlossen
admin-request-obstacles = Was im Weg steht
admin-request-about = Worum es geht
admin-request-person = Mensch
admin-request-erased = Gelöscht: Nichts führt mehr zu diesem Menschen
admin-request-identity = Wer fragt
admin-request-identified = Es ist bekannt, wer fragt
admin-request-not-identified = Noch nicht bestätigt, wer fragt
admin-request-agent = Vertretung
admin-request-target = Betrifft
admin-request-statement = Erklärung
admin-request-statement-sealed = Es gibt eine. Sie ist versiegelt; wer sie liest, wird protokolliert.
admin-request-statement-none = Es gibt keine
admin-request-acts = Was jetzt getan werden kann
admin-act-confirm = Eingang bestätigen
admin-act-ask-identity = Nach der Identität fragen
admin-act-identify = Es ist bekannt, wer fragt
admin-act-begin = Beginnen
admin-act-extend = Verlängern
admin-act-fulfil = Ausführen
admin-act-refuse = Ablehnen
admin-act-lift = Einschränkung aufheben
admin-act-about-confirm = Der Mensch erfährt, dass die Anfrage da ist: per Mail, wo es eine Adresse gibt, sonst von Ihnen.
admin-act-about-ask-identity = Sie haben gefragt, wer das geschickt hat.
admin-act-about-identify = Was gezeigt wurde, wird nicht aufbewahrt; nur, wie Sie sich vergewissert haben.
admin-act-about-begin = Sie arbeiten jetzt daran.
admin-act-about-extend = Es dauert länger. Der Mensch muss den Grund erfahren, bevor die erste Frist abläuft.
admin-act-about-fulfil = Was verlangt wird, geschieht sofort. Eine Löschung lässt sich nicht zurücknehmen.
admin-act-about-refuse = Der Mensch erfährt den Grund und wo er sich beschweren kann.
admin-act-about-lift = Der Mensch muss es vorher erfahren haben.
admin-act-method = Wie Sie sich vergewissert haben
admin-act-reason = Grund
admin-act-told = Der Mensch erfuhr es am
admin-act-left-undone = Was nicht getan wurde und warum, für den Menschen
admin-act-sure = Ich habe geprüft, wer fragt und was im Weg steht
admin-act-note = Notiz für Kollegen
admin-method-signed-in = Angemeldet
admin-method-account-message = Nachricht aus dem Konto
admin-method-document-seen = Ein Ausweis wurde gesehen
admin-method-knowledge = Wusste, was nur dieser Mensch wissen kann
admin-method-organization = Die Organisation bürgt
admin-delay-complexity = Es ist verwickelt
admin-delay-number-of-requests = Es gibt viele Anfragen
admin-delay-consultation = Andere müssen gefragt werden
admin-delay-conversion = Daten müssen umgewandelt werden
admin-refusal-manifestly-unfounded = Offensichtlich unbegründet
admin-refusal-excessive = Übermäßig
admin-refusal-identity-not-confirmed = Nicht bestätigt, wer fragt
admin-refusal-no-mandate = Keine Vollmacht
admin-refusal-legal-obligation = Rechtliche Pflicht
admin-refusal-legal-claims = Rechtsansprüche
admin-refusal-overriding-grounds = Überwiegende Gründe
admin-refusal-rights-of-others = Rechte anderer
admin-refusal-not-applicable = Das Gesetz gibt dieses Recht hier nicht
admin-reason-signed-in = Angemeldet
admin-reason-account-message = Nachricht aus dem Konto
admin-reason-document-seen = Ein Ausweis wurde gesehen
admin-reason-knowledge = Wusste, was nur dieser Mensch wissen kann
admin-reason-organization = Die Organisation bürgt
admin-reason-complexity = Es ist verwickelt
admin-reason-number-of-requests = Es gibt viele Anfragen
admin-reason-consultation = Andere müssen gefragt werden
admin-reason-conversion = Daten müssen umgewandelt werden
admin-reason-manifestly-unfounded = Offensichtlich unbegründet
admin-reason-excessive = Übermäßig
admin-reason-identity-not-confirmed = Nicht bestätigt, wer fragt
admin-reason-no-mandate = Keine Vollmacht
admin-reason-legal-obligation = Rechtliche Pflicht
admin-reason-legal-claims = Rechtsansprüche
admin-reason-overriding-grounds = Überwiegende Gründe
admin-reason-rights-of-others = Rechte anderer
admin-reason-not-applicable = Das Gesetz gibt dieses Recht hier nicht
admin-step-open = Eingegangen
admin-step-confirm = Eingang bestätigt
admin-step-ask-identity = Nach der Identität gefragt
admin-step-identify = Identität bestätigt
admin-step-begin = Begonnen
admin-step-extend = Verlängert
admin-step-fulfil = Ausgeführt
admin-step-refuse = Abgelehnt
admin-step-withdraw = Zurückgenommen
admin-step-lift = Einschränkung aufgehoben
admin-request-done-opened = Die Anfrage ist aufgenommen.
admin-request-done-confirm = Der Eingang ist bestätigt.
admin-request-done-ask-identity = Festgehalten, dass Sie nach der Identität gefragt haben.
admin-request-done-identify = Festgehalten, dass bekannt ist, wer fragt.
admin-request-done-begin = Festgehalten, dass Sie begonnen haben.
admin-request-done-extend = Die Frist ist verlängert.
admin-request-done-fulfil = Die Anfrage wurde ausgeführt. Der Bericht unten sagt, was geschehen ist.
admin-request-done-refuse = Die Anfrage ist abgelehnt.
admin-request-done-lift = Die Einschränkung ist aufgehoben.
admin-request-done-export = Die Dateien sind fertig.
admin-request-incomplete = Im Formular fehlt ein Grund, eine Methode, ein Tag oder der Haken, dass Sie sicher sind.
admin-request-files = Dateien für den Menschen
admin-request-files-none = Noch wurde keine Datei gemacht.
admin-request-file-conversations = { $count ->
    [one] ein Gespräch
   *[other] { $count } Gespräche
  }
admin-request-file-records = { $count ->
    [one] ein Eintrag
   *[other] { $count } Einträge
  }
admin-request-recipients = Schlüssel derer, die die Dateien öffnen dürfen
admin-request-recipients-hint = Öffentliche Schlüssel, die mit age1 beginnen, einer in jeder Zeile. Von hier aus werden Dateien nur versiegelt gemacht. Jedes geöffnete Gespräch wird protokolliert.
admin-request-export = Dateien machen
admin-request-report = Was geschehen ist
admin-request-audit = Verlauf
admin-request-routes = Wo sich der Mensch beschweren kann
admin-kind-access = Auskunft
admin-kind-export = Kopie zum Mitnehmen
admin-kind-correction = Berichtigung
admin-kind-restriction = Einschränkung
admin-kind-objection = Widerspruch
admin-kind-erasure = Löschung
admin-kind-opt-out = Abmeldung von der Nutzung
admin-kind-complaint = Beschwerde
admin-state-received = Eingegangen
admin-state-identity-asked = Identität erfragt
admin-state-identified = Identität bekannt
admin-state-in-progress = In Arbeit
admin-state-extended = Verlängert
admin-state-fulfilled = Ausgeführt
admin-state-partly-fulfilled = Teilweise ausgeführt
admin-state-refused = Abgelehnt
admin-state-withdrawn = Zurückgenommen
admin-law-gdpr = DSGVO (Europäische Union)
admin-law-ccpa = CCPA (Kalifornien)
admin-law-lgpd = LGPD (Brasilien)
admin-law-pipeda = PIPEDA (Kanada)
admin-law-pipl = PIPL (China)
admin-taking-in = Eine Anfrage aufnehmen
admin-taking-in-lead = Für eine Anfrage, die per Brief, am Telefon oder durch eine Vertretung kam. Die Frist läuft ab dem Tag des Eingangs.
admin-taking-in-law-policy = Wie die Regeln es sagen
admin-taking-in-received = Eingegangen am (leer: heute)
admin-taking-in-statement = Bei einer Berichtigung: was falsch und was richtig ist
admin-taking-in-statement-hint = In den Worten des Menschen. Es wird versiegelt.
admin-taking-in-new-name = Bei einer Berichtigung: der neue Name, unter dem die Anwendung den Menschen kennt
admin-taking-in-agent = Jemand fragt für den Menschen
admin-taking-in-agent-hint = Ohne eine Vollmacht wird nichts aufgenommen. Das Papier wird nicht aufbewahrt, nur seine Prüfsumme.
admin-taking-in-agent-name = Name der Vertretung
admin-taking-in-evidence = SHA-256 der Vollmacht, 64 hexadezimale Ziffern
admin-taking-in-mandate-from = Gültig ab
admin-taking-in-mandate-until = Gültig bis (leer: offen)
admin-taking-in-submit = Aufnehmen
admin-taking-in-kind-missing = Wählen Sie, was verlangt wird.
admin-taking-in-law-unknown = Dieses Gesetz gibt es hier nicht.
admin-taking-in-day-unfit = Ein Tag fehlt oder ist keiner.
admin-people-lead = Grunddaten und Zahlen. Nichts hier zeigt, was jemand geschrieben hat.
admin-people-name = Der Name, unter dem die Anwendung den Menschen kennt
admin-people-name-hint = Genau so, wie die Anwendung ihn sendet. Gespeichert ist nur eine Prüfsumme mit Schlüssel, darum findet ein Teil davon niemanden.
admin-people-find = Finden
admin-people-nobody = Unter diesem Namen war hier niemand, oder der Mensch wurde gelöscht.
admin-people-name-unfit = Ein Name hat 1 bis 128 sichtbare ASCII-Zeichen.
admin-people-none = Hier war noch niemand.
admin-person = Ein Mensch
admin-person-id = Mensch
admin-person-plan = Tarif
admin-person-conversations = Gespräche
admin-person-standing = Stand
admin-person-since = Zuerst gesehen
admin-person-erased = Gelöscht
admin-person-closed = Konto geschlossen
admin-person-open-requests = { $count ->
    [one] eine offene Anfrage
   *[other] { $count } offene Anfragen
  }
admin-person-restricted = Eingeschränkt
admin-person-basics = Konto
admin-person-own-plan = eigener
admin-person-organization-plan = der Organisation
admin-person-contact = Mailadresse
admin-person-contact-yes = Es gibt eine, versiegelt; hier kann sie niemand lesen
admin-person-contact-no = Es gibt keine; teilen Sie dem Menschen alles anders mit
admin-person-accounts = Konten dieser Konsole
admin-person-held = Was aufbewahrt wird, und warum
admin-person-held-about = Gespräche, die noch ein Schlüssel öffnet, gezählt für jeden Zweck. Ein Gespräch kann für mehrere aufbewahrt werden.
admin-person-held-nothing = Es wird nichts aufbewahrt.
admin-person-held-for = Aufbewahrt für
admin-held-service = Die eigene Nutzung
admin-held-safety = Das Sicherheitsfenster
admin-held-violation = Einen Verstoß
admin-held-feedback = Gesandtes Feedback
admin-held-investigation = Eine Untersuchung
admin-held-legal-hold = Eine rechtliche Sperre
admin-person-records = { $count ->
    [one] Insgesamt ein versiegelter Eintrag.
   *[other] Insgesamt { $count } versiegelte Einträge.
  }
admin-person-deleted = { $count ->
    [one] Ein Gespräch hat der Mensch gelöscht; es wartet auf sein Ende.
   *[other] { $count } Gespräche hat der Mensch gelöscht; sie warten auf ihr Ende.
  }
admin-person-request = die Anfrage
admin-person-opted-out = Abgemeldet
admin-person-not-asked-until = wird nicht wieder gefragt vor dem
admin-person-objects = Widerspricht:
admin-person-standings = Was der Mensch gewählt hat
admin-person-standings-table = Wahl nach Zweck
admin-campaign-groups = Nach Region und Sprache
admin-person-permits = Darf jetzt genutzt werden
admin-person-since-when = Seit
admin-standing-given = Gegeben
admin-standing-renewed = Erneuert
admin-standing-requested = Gefragt, noch keine Antwort
admin-standing-deferred = Aufgeschoben
admin-standing-refused = Abgelehnt
admin-standing-withdrawn = Zurückgenommen
admin-standing-revoked = Widerrufen
admin-standing-expired = Abgelaufen
admin-standing-invalidated = Ungültig
admin-standing-unknown = Nie gefragt
admin-standing-not-asked = In diesem Tarif wird nicht gefragt
admin-campaigns-lead = Eine Kampagne stellt vielen eine Frage, mit einem Datum, bis zu dem Schweigen ein Nein ist.
admin-campaigns-new = Kampagne eröffnen
admin-campaigns-none = Es gab noch keine Kampagne.
admin-campaign = Eine Kampagne
admin-campaign-open = Offen
admin-campaign-closed = Beendet
admin-campaign-answered = { $part } von { $whole } haben geantwortet
admin-campaign-new-lead = Sehen Sie zuerst nach, wen sie fragen würde. Bis Sie sie eröffnen, wird nichts gesendet und niemand gefragt.
admin-campaign-notice = Hinweis
admin-campaign-notice-option = { $purpose }, Fassung { $version }
admin-campaign-deadline = Frist
admin-campaign-deadline-hint = Ab 00:00 UTC dieses Tages ist Schweigen ein Nein.
admin-campaign-reason = Warum gefragt wird
admin-campaign-reason-hint = Zum Beispiel die Nummer der neuen Regeln.
admin-campaign-meanwhile = Was ein bestehendes Ja bis dahin wert ist
admin-campaign-meanwhile-continue = Es gilt bis zur Frist
admin-campaign-meanwhile-pause = Es gilt nicht, bis es eine Antwort gibt
admin-campaign-reminders = Erinnerungen
admin-campaign-reminders-hint = Wie lange vor der Frist, eine in jeder Zeile, zum Beispiel 14 days.
admin-campaign-quiet-regions = Regionen, in denen nicht bald wieder gefragt wird
admin-campaign-quiet-hint = Zum Beispiel US-CA, mit Kommas. Das kann strenger sein als die Regeln, nie lockerer.
admin-campaign-quiet = Wie lange nach einem Nein, dort
admin-campaign-look = Ansehen, wen sie fragt
admin-campaign-open-now = Kampagne eröffnen
admin-campaign-preview = Wen sie fragen würde
admin-campaign-would-ask = { $people ->
    [one] Sie würde einen Menschen fragen.
   *[other] Sie würde { $people } Menschen fragen.
  }
admin-campaign-region = Region
admin-campaign-people = Menschen
admin-campaign-not-asked = Wer nicht gefragt wird, und warum
admin-not-asked-no-question = In ihrem Tarif gibt es diese Frage nicht
admin-not-asked-gone = Das Konto ist geschlossen oder gelöscht
admin-not-asked-answered = Sie haben zu dieser Fassung Ja gesagt
admin-not-asked-quiet = Sie haben vor Kurzem Nein gesagt
admin-campaign-notice-missing = Wählen Sie einen veröffentlichten Hinweis.
admin-campaign-deadline-missing = Wählen Sie einen Tag als Frist.
admin-campaign-meanwhile-missing = Wählen Sie, was ein bestehendes Ja bis dahin wert ist.
admin-campaign-span-unfit = Eine Zeitangabe ist nicht wie „14 days“ oder „12 months“.
admin-campaign-progress = Wie sie steht
admin-campaign-asked = gefragt
admin-campaign-given = ja
admin-campaign-refused = nein
admin-campaign-unanswered = keine Antwort
admin-campaign-silent = am Ende ohne Antwort
admin-campaign-bar = Anteil
admin-campaign-extending = Noch werden Menschen gefragt, Seite für Seite; die Zahlen wachsen.
admin-campaign-terms = Ihre Bedingungen
admin-campaign-opened = Eröffnet
admin-campaign-remind = Jetzt erinnern
admin-campaign-remind-hint = Erinnert, wer noch nicht geantwortet hat und fällig ist: per Mail, wo es eine Adresse gibt.
admin-campaign-close = Vorzeitig beenden
admin-campaign-close-sure = Diese Kampagne jetzt beenden?
admin-campaign-close-means = { $people ->
    [one] Ein Mensch hat nicht geantwortet; das wird sofort ein Nein.
   *[other] { $people } Menschen haben nicht geantwortet; das wird sofort ein Nein.
  }
admin-campaign-close-yes = Jetzt beenden
admin-campaign-close-no = Zurück
admin-campaign-done-opened = Die Kampagne ist offen. Die Menschen werden Seite für Seite gefragt.
admin-campaign-done-closed = Die Kampagne ist beendet.
admin-campaign-done-reminded = { $people ->
    [one] Ein Mensch gilt als erinnert.
   *[other] { $people } Menschen gelten als erinnert.
  }
