//! `notices publish`, `list`, `show`, `diff`

use std::io::Read;
use std::path::Path;

use fiducia_custody::{ConsentCommand as Asked, ConsentReply, NoticeRow};
use fiducia_policy::{
    ConsentPurpose, NOTICE_BYTES_MAX, NoticeIdentity, WordChange, change_in_words, reading_grade,
};

use super::consent::{ask, list};
use crate::arguments::{DataOptions, NoticesCommand};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant};

pub(super) fn run(command: NoticesCommand) -> Result<ExitStatus, Failure> {
    match command {
        NoticesCommand::Publish { file, data } => publish(&file, &data),
        NoticesCommand::List { purpose, data } => {
            let ConsentReply::Notices(rows) = ask(&data, Asked::ListNotices { purpose })? else {
                return Err(Failure::UnexpectedReply("consent"));
            };
            list(&rows, "no notice was published yet, so nobody can say yes to anything", table, &data)
        }
        NoticesCommand::Show { purpose, language, version, data } => {
            show(&one(purpose, language, version, &data)?, &data)
        }
        NoticesCommand::Diff { purpose, language, before, after, data } => {
            let older = one(purpose, language.clone(), before, &data)?;
            let newer = one(purpose, language, after, &data)?;
            diff(&older, &newer, &data)
        }
    }
}

fn publish(path: &Path, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let failed = |cause| Failure::File { doing: "read", path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(failed)?;
    let most = u64::try_from(NOTICE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut source = String::new();
    file.take(most).read_to_string(&mut source).map_err(failed)?;
    let command = Asked::PublishNotice { source, actor: operating_system_user() };
    let ConsentReply::Notice(row) = ask(data, command)? else {
        return Err(Failure::UnexpectedReply("consent"));
    };
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        output.line(format_args!("{} is published and never changes", row.notice.identity()))?;
        output.line(format_args!("SHA-256  {}", row.hash))?;
        output.line(format_args!("reading  {}", grade(&row)))?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn one(
    purpose: ConsentPurpose,
    language: String,
    version: u32,
    data: &DataOptions,
) -> Result<NoticeRow, Failure> {
    let identity = NoticeIdentity { purpose, language, version };
    match ask(data, Asked::ShowNotice { identity })? {
        ConsentReply::Notice(row) => Ok(*row),
        _ => Err(Failure::UnexpectedReply("consent")),
    }
}

fn table(rows: &[NoticeRow]) -> Table {
    let mut table = Table::new(&[
        ("PURPOSE", Align::Left),
        ("LANGUAGE", Align::Left),
        ("VERSION", Align::Right),
        ("PUBLISHED", Align::Left),
        ("STANDS", Align::Left),
        ("READING", Align::Left),
        ("TITLE", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.notice.purpose.to_string(),
            row.notice.language.clone(),
            row.notice.version.to_string(),
            instant(row.published_at),
            if row.superseded { "superseded" } else { "yes" }.to_owned(),
            grade(row),
            row.notice.title.clone(),
        ]);
    }
    table
}

/// How hard the text is to read; the measure is for English.
fn grade(row: &NoticeRow) -> String {
    let is_english = row.notice.language == "en" || row.notice.language.starts_with("en-");
    match reading_grade(&row.notice.text) {
        Some(grade) if is_english => format!("grade {grade:.1}"),
        _ => "not measured".to_owned(),
    }
}

fn show(row: &NoticeRow, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(row)?;
    } else {
        let notice = &row.notice;
        output.line(notice.identity())?;
        output.line(format_args!("published  {}", instant(row.published_at)))?;
        output.line(format_args!("SHA-256    {}", row.hash))?;
        output.line(format_args!("basis      {}", notice.basis))?;
        output.line(format_args!("reading    {}", grade(row)))?;
        output.line("")?;
        output.foreign(&notice.title)?;
        output.line("")?;
        output.foreign(&notice.text)?;
        output.foreign(&notice.retention)?;
        output.foreign(&notice.withdrawal)?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn diff(before: &NoticeRow, after: &NoticeRow, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let whole = |row: &NoticeRow| {
        let notice = &row.notice;
        format!("{}\n\n{}\n\n{}\n\n{}", notice.title, notice.text, notice.retention, notice.withdrawal)
    };
    let changes = change_in_words(&whole(before), &whole(after));
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&changes)?;
    } else {
        output.line(format_args!("{} → version {}", before.notice.identity(), after.notice.version))?;
        output.line(format_args!("reading  {} → {}", grade(before), grade(after)))?;
        output.line("")?;
        for change in &changes {
            let (mark, text) = match change {
                WordChange::Same(text) => ("stays", text),
                WordChange::Removed(text) => ("gone ", text),
                WordChange::Added(text) => ("new  ", text),
            };
            output.line(format_args!("{mark}  {}", crate::output::escape_line(text)))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}
