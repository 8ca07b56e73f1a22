//! What kinds of placeholders there are.

use crate::personal_data::PersonalDataKind;

/// What a placeholder stands for. The model sees it, so that it can still write a sensible sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MaskKind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The number of a payment card.
    Card,
    /// The number of a bank account.
    Account,
    /// A number that a state gave a person.
    Identity,
    /// The number of a passport.
    Passport,
    /// The number of a driver's licence.
    Licence,
    /// A date of birth.
    Birthdate,
    /// Another date.
    Date,
    /// A postal address.
    Address,
    /// An address on the internet.
    Ip,
    /// The address of a network card.
    Mac,
    /// The plate of a vehicle.
    Plate,
    /// The name of a person.
    Name,
    /// A password, token or key.
    Secret,
    /// Text that looked like a placeholder before anything was masked.
    Text,
}

/// Each kind with the word that stands in its placeholders.
const WORDS: [(MaskKind, &str); 16] = [
    (MaskKind::Email, "EMAIL"),
    (MaskKind::Phone, "PHONE"),
    (MaskKind::Card, "CARD"),
    (MaskKind::Account, "ACCOUNT"),
    (MaskKind::Identity, "IDENTITY"),
    (MaskKind::Passport, "PASSPORT"),
    (MaskKind::Licence, "LICENCE"),
    (MaskKind::Birthdate, "BIRTHDATE"),
    (MaskKind::Date, "DATE"),
    (MaskKind::Address, "ADDRESS"),
    (MaskKind::Ip, "IP"),
    (MaskKind::Mac, "MAC"),
    (MaskKind::Plate, "PLATE"),
    (MaskKind::Name, "NAME"),
    (MaskKind::Secret, "SECRET"),
    (MaskKind::Text, "TEXT"),
];

impl MaskKind {
    /// The word in placeholders of this kind: capitals of ASCII.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(kind, _)| *kind == self).map_or("TEXT", |(_, word)| word)
    }

    /// The kind whose word this is.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        WORDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }

    /// Whether two ways of writing are one value when their letters and digits agree.
    pub(super) const fn is_number(self) -> bool {
        matches!(self, Self::Phone | Self::Card | Self::Account | Self::Identity)
    }

    /// Whether only the same bytes are the same value.
    pub(super) const fn is_exact(self) -> bool {
        matches!(self, Self::Secret | Self::Text)
    }
}

impl From<PersonalDataKind> for MaskKind {
    fn from(kind: PersonalDataKind) -> Self {
        match kind {
            PersonalDataKind::Email => Self::Email,
            PersonalDataKind::Phone => Self::Phone,
            PersonalDataKind::PaymentCard => Self::Card,
            PersonalDataKind::BankAccount => Self::Account,
            PersonalDataKind::NationalId(_) => Self::Identity,
            PersonalDataKind::Passport => Self::Passport,
            PersonalDataKind::DriverLicence => Self::Licence,
            PersonalDataKind::BirthDate => Self::Birthdate,
            PersonalDataKind::Date => Self::Date,
            PersonalDataKind::Address => Self::Address,
            PersonalDataKind::IpAddress => Self::Ip,
            PersonalDataKind::MacAddress => Self::Mac,
            PersonalDataKind::LicencePlate => Self::Plate,
            PersonalDataKind::Name => Self::Name,
        }
    }
}
