//! A notice while it is written: the fields of the form, and what they come to.

use std::collections::BTreeMap;

use fiducia_policy::{
    Controller, GradeFormula, LegalBasis, Notice, READING_GRADE_MAX, WordChange, change_word_by_word,
};

/// Controllers that the form has room for.
pub(super) const CONTROLLERS_MAX: usize = 4;
/// Fields of one line that every notice has.
const LINES: [&str; 4] = ["title", "retention", "withdrawal", "authority"];
/// Fields with one entry in each line. `recipients` may be empty.
const LISTS: [&str; 7] = [
    "data",
    "processing",
    "storage_locations",
    "processing_locations",
    "jurisdictions",
    "recipients",
    "rights",
];
/// The parts of a controller.
pub(super) const CONTROLLER_PARTS: [&str; 5] = ["id", "name", "address", "contact", "role"];

/// The fields as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft(BTreeMap<String, String>);

/// What a field needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lack {
    /// Something must be typed: the field's name.
    Missing(&'static str),
    /// It stands in brackets, so it is for the operator to fill in: the field's name.
    InBrackets(&'static str),
    /// What the rules of notices say, in English.
    Rule(String),
}

/// How hard a text is to read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    pub(super) grade: f64,
    pub(super) formula: GradeFormula,
}

impl Score {
    /// The score of a text, where there is a formula for its language.
    pub(super) fn of(language: &str, text: &str) -> Option<Self> {
        let formula = GradeFormula::of(language)?;
        Some(Self { grade: formula.grade(text)?, formula })
    }

    pub(super) fn fits(&self) -> bool {
        self.grade <= READING_GRADE_MAX
    }

    /// The grade with one decimal, as a person reads it; never below 0.
    pub(super) fn shown(&self) -> String {
        format!("{:.1}", self.grade.max(0.0))
    }
}

/// A part of a notice beside the same part of the version in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    /// The field's name.
    pub(super) field: &'static str,
    pub(super) changes: Vec<WordChange>,
    pub(super) is_changed: bool,
}

impl Compared {
    /// The field's name among the texts.
    pub(super) fn label(&self) -> String {
        self.field.replace('_', "-")
    }
}

impl Draft {
    pub(super) fn typed(mut fields: BTreeMap<String, String>) -> Self {
        for value in fields.values_mut() {
            *value = value.replace("\r\n", "\n");
        }
        Self(fields)
    }

    /// A draft with everything that a notice says.
    pub(super) fn of(notice: &Notice) -> Self {
        let mut fields = BTreeMap::new();
        let mut put = |name: &str, value: String| fields.insert(name.to_owned(), value);
        put("purpose", notice.purpose.name().to_owned());
        put("language", notice.language.clone());
        put("version", notice.version.to_string());
        put("text", notice.text.clone());
        put("validity", notice.validity.map(|span| span.to_string()).unwrap_or_default());
        if notice.special_categories {
            put("special_categories", "yes".to_owned());
        }
        for name in LINES {
            put(name, line_of(notice, name).to_owned());
        }
        for name in LISTS {
            put(name, list_of(notice, name).join("\n"));
        }
        for (place, controller) in (1..=CONTROLLERS_MAX).zip(&notice.controllers) {
            let Controller { id, name, address, contact, role } = controller;
            for (part, value) in CONTROLLER_PARTS.iter().zip([id, name, address, contact, role]) {
                put(&format!("controller_{place}_{part}"), value.clone());
            }
        }
        Self(fields)
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn controller(&self, place: usize, part: &str) -> &str {
        self.get(&format!("controller_{place}_{part}"))
    }

    /// How many controllers the form shows: those that are there and room for one more.
    pub(super) fn controllers(&self) -> Vec<usize> {
        // A role is always chosen, so it says nothing.
        let parts = CONTROLLER_PARTS.iter().filter(|part| **part != "role");
        let filled = |place: &usize| parts.clone().any(|part| !self.controller(*place, part).is_empty());
        let last = (1..=CONTROLLERS_MAX).rev().find(filled).unwrap_or(0);
        (1..=last.saturating_add(1).min(CONTROLLERS_MAX)).collect()
    }

    fn entries(&self, name: &str) -> Vec<String> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The notice, or everything that it lacks.
    pub(super) fn notice(&self) -> Result<Notice, Vec<Lack>> {
        let mut lacks: Vec<Lack> = Vec::new();
        for name in LINES.into_iter().chain(["text", "language", "version"]) {
            if self.get(name).trim().is_empty() {
                lacks.push(Lack::Missing(name));
            }
        }
        for name in LISTS {
            if name != "recipients" && self.entries(name).is_empty() {
                lacks.push(Lack::Missing(name));
            }
        }
        let controllers = self.filled_controllers();
        if controllers.is_empty() {
            lacks.push(Lack::Missing("controllers"));
        }
        let line = |name: &str| self.get(name).trim().to_owned();
        let validity = match line("validity") {
            text if text.is_empty() => None,
            text => match text.parse() {
                Ok(span) => Some(span),
                Err(error) => {
                    lacks.push(Lack::Rule(format!("{error}")));
                    None
                }
            },
        };
        let Ok(purpose) = self.get("purpose").parse() else {
            lacks.push(Lack::Missing("purpose"));
            return Err(lacks);
        };
        let notice = Notice {
            purpose,
            language: line("language"),
            version: line("version").parse().unwrap_or(0),
            title: line("title"),
            text: self.get("text").trim().to_owned() + "\n",
            basis: LegalBasis::Consent,
            retention: line("retention"),
            data: self.entries("data"),
            special_categories: self.get("special_categories") == "yes",
            processing: self.entries("processing"),
            storage_locations: self.entries("storage_locations"),
            processing_locations: self.entries("processing_locations"),
            jurisdictions: self.entries("jurisdictions"),
            recipients: self.entries("recipients"),
            withdrawal: line("withdrawal"),
            rights: self.entries("rights"),
            authority: line("authority"),
            validity,
            controllers,
        };
        if lacks.is_empty()
            && let Err(error) = notice.check()
        {
            lacks.push(Lack::Rule(error.to_string()));
        }
        lacks.extend(in_brackets(&notice).map(Lack::InBrackets));
        if lacks.is_empty() { Ok(notice) } else { Err(lacks) }
    }

    fn filled_controllers(&self) -> Vec<Controller> {
        let places = (1..=CONTROLLERS_MAX).filter_map(|place| {
            let part = |name: &str| self.controller(place, name).trim().to_owned();
            let controller = Controller {
                id: part("id"),
                name: part("name"),
                address: part("address"),
                contact: part("contact"),
                role: part("role"),
            };
            let Controller { id, name, address, contact, .. } = &controller;
            [id, name, address, contact].iter().any(|text| !text.is_empty()).then_some(controller)
        });
        places.collect()
    }

    /// How hard its text is to read.
    pub(super) fn score(&self) -> Option<Score> {
        Score::of(self.get("language").trim(), self.get("text"))
    }

    /// Every part that differs from a published notice, and the text in any case.
    pub(super) fn compared(&self, with: &Notice) -> Vec<Compared> {
        let before = Self::of(with);
        let fields = ["title", "text"].into_iter().chain(LISTS).chain([
            "retention",
            "withdrawal",
            "authority",
            "validity",
        ]);
        let mut compared: Vec<Compared> = Vec::new();
        for field in fields {
            let changes = change_word_by_word(before.get(field), self.get(field));
            let is_changed = changes.iter().any(|change| !matches!(change, WordChange::Same(_)));
            if is_changed || field == "text" {
                compared.push(Compared { field, changes, is_changed });
            }
        }
        compared
    }
}

/// The parts in which something stands in brackets, which the notices that come with the program leave for the operator.
fn in_brackets(notice: &Notice) -> impl Iterator<Item = &'static str> {
    let holds = |text: &str| text.contains('[') && text.contains(']');
    let mut found: Vec<&'static str> =
        LINES.into_iter().filter(|name| holds(line_of(notice, name))).collect();
    found.extend(LISTS.into_iter().filter(|name| list_of(notice, name).iter().any(|entry| holds(entry))));
    let of = |controller: &Controller| {
        let Controller { id, name, address, contact, .. } = controller;
        [id, name, address, contact].iter().any(|text| holds(text))
    };
    if notice.controllers.iter().any(of) {
        found.push("controllers");
    }
    found.into_iter()
}

fn line_of<'a>(notice: &'a Notice, name: &str) -> &'a str {
    match name {
        "title" => &notice.title,
        "retention" => &notice.retention,
        "withdrawal" => &notice.withdrawal,
        _ => &notice.authority,
    }
}

fn list_of<'a>(notice: &'a Notice, name: &str) -> &'a [String] {
    match name {
        "data" => &notice.data,
        "processing" => &notice.processing,
        "storage_locations" => &notice.storage_locations,
        "processing_locations" => &notice.processing_locations,
        "jurisdictions" => &notice.jurisdictions,
        "recipients" => &notice.recipients,
        _ => &notice.rights,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Notice {
        Notice::shipped().unwrap().into_iter().find(|notice| notice.language == "en").unwrap()
    }

    fn filled_in(notice: &Notice) -> Draft {
        let mut draft = Draft::of(notice);
        for value in draft.0.values_mut() {
            *value = value.replace(['[', ']'], "");
        }
        draft
    }

    #[test]
    fn a_notice_survives_the_form() {
        let notice = filled_in(&shipped()).notice().unwrap();
        assert_eq!(Draft::of(&notice).notice().unwrap(), notice);
    }

    #[test]
    fn everything_that_is_missing_is_said_at_once() {
        let mut draft = filled_in(&shipped());
        draft.set("title", " ".to_owned());
        draft.set("data", "\n".to_owned());
        draft.set("validity", "soon".to_owned());
        let lacks = draft.notice().unwrap_err();
        assert!(
            lacks.contains(&Lack::Missing("title")) && lacks.contains(&Lack::Missing("data")),
            "{lacks:?}"
        );
        assert!(lacks.iter().any(|lack| matches!(lack, Lack::Rule(_))), "{lacks:?}");
    }

    #[test]
    fn what_stands_in_brackets_is_not_published() {
        let lacks = Draft::of(&shipped()).notice().unwrap_err();
        for part in ["authority", "jurisdictions", "controllers"] {
            assert!(lacks.contains(&Lack::InBrackets(part)), "{part}: {lacks:?}");
        }
    }

    #[test]
    fn a_draft_is_compared_word_by_word() {
        let notice = shipped();
        let mut draft = Draft::of(&notice);
        assert!(draft.compared(&notice).iter().all(|part| !part.is_changed));
        draft.set("title", notice.title.replace("chats", "conversations"));
        let compared = draft.compared(&notice);
        assert_eq!(
            compared.iter().filter(|part| part.is_changed).map(|part| part.field).collect::<Vec<_>>(),
            ["title"]
        );
    }
}
