//! What kinds of personal data are recognised.

use std::fmt;

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonalDataKind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The number of a payment card, which its check digit confirms.
    PaymentCard,
    /// The number of a bank account: an IBAN, which its check digits confirm.
    BankAccount,
    /// A number that a state gave a person.
    NationalId(IdScheme),
    /// The number of a passport, told by what stands beside it.
    Passport,
    /// The number of a driver's licence, told by what stands beside it.
    DriverLicence,
    /// A date of birth, told by what stands beside it.
    BirthDate,
    /// A date. It is personal only together with other things, so its score is low.
    Date,
    /// A postal address.
    Address,
    /// An address on the internet.
    IpAddress,
    /// The address of a network card.
    MacAddress,
    /// The plate of a vehicle, told by what stands beside it.
    LicencePlate,
    /// The name of a person.
    Name,
}

impl PersonalDataKind {
    /// A stable name for figures and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::PaymentCard => "payment-card",
            Self::BankAccount => "bank-account",
            Self::NationalId(_) => "national-id",
            Self::Passport => "passport",
            Self::DriverLicence => "driver-licence",
            Self::BirthDate => "birth-date",
            Self::Date => "date",
            Self::Address => "address",
            Self::IpAddress => "ip-address",
            Self::MacAddress => "mac-address",
            Self::LicencePlate => "licence-plate",
            Self::Name => "name",
        }
    }
}

impl fmt::Display for PersonalDataKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which state's number, and which of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each member is the country and its own name of the number")]
pub enum IdScheme {
    ArgentinaCuit,
    AustraliaMedicare,
    AustraliaTaxFile,
    AustriaSocialInsurance,
    BalkanJmbg,
    BelgiumNational,
    BrazilCnpj,
    BrazilCpf,
    BulgariaEgn,
    CanadaSin,
    ChileRut,
    ChinaResident,
    CroatiaOib,
    CzechBirthNumber,
    DenmarkCpr,
    EstoniaLithuaniaPersonal,
    FinlandHetu,
    FranceNir,
    GermanyTaxId,
    HongKongIdentity,
    IndiaAadhaar,
    IndiaPan,
    IndonesiaNik,
    IrelandPps,
    IsraelIdentity,
    ItalyFiscalCode,
    JapanMyNumber,
    KoreaResident,
    MalaysiaNric,
    MexicoCurp,
    NetherlandsBsn,
    NewZealandIrd,
    NorwayBirthNumber,
    PolandPesel,
    PortugalNif,
    RomaniaCnp,
    RussiaInn,
    RussiaSnils,
    SingaporeNric,
    SouthAfricaIdentity,
    SpainDni,
    SpainNie,
    SwedenPersonal,
    SwitzerlandAhv,
    TaiwanIdentity,
    ThailandIdentity,
    TurkeyIdentity,
    UkraineTax,
    UnitedKingdomNationalInsurance,
    UnitedKingdomNhs,
    UnitedStatesItin,
    UnitedStatesSsn,
}
