//! Documents on paper: PDF/A-2a and PDF/UA-1, so that they can be archived and read aloud.
//!
//! Blocks of text are laid out into pages first, which is plain arithmetic, and then drawn. Nothing but text is drawn.

use krilla::Document;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, ListNumbering, SpanTag, Tag, TagGroup, TagTree,
};
use krilla::text::{Font, TextDirection};
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};

/// A4, in points.
const PAGE: (f32, f32) = (595.28, 841.89);
const MARGIN: f32 = 56.0;
/// Where the last line of a page may stand.
const FLOOR: f32 = 841.89 - 72.0;
const FOOTER: f32 = 841.89 - 40.0;
/// Stands for a letter that the fonts do not have.
const UNKNOWN_LETTER: char = '\u{25A1}';

const PLAIN: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-Bold.ttf");

/// What a block of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// A heading of this level, from 1; it is in the outline.
    Heading(u16),
    /// A paragraph.
    Paragraph,
    /// A paragraph of which less is made.
    Remark,
    /// A line of a list.
    Item(ItemMark),
}

/// What stands before a line of a list, and in which colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemMark {
    /// Something that is so.
    Plain,
    /// Something that was checked and held.
    Good,
    /// Something that was checked and did not hold.
    Bad,
    /// Something that is missing.
    Missing,
}

impl ItemMark {
    const fn sign(self) -> &'static str {
        match self {
            Self::Plain => "·",
            Self::Good => "✓",
            Self::Bad => "✗",
            Self::Missing => "–",
        }
    }

    /// What the sign says, for who has it read aloud.
    const fn aloud(self) -> &'static str {
        match self {
            Self::Plain => "Figure:",
            Self::Good => "Holds:",
            Self::Bad => "Does not hold:",
            Self::Missing => "Not shown:",
        }
    }
}

/// A block of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// What it is.
    pub(crate) kind: BlockKind,
    /// Its text, in one line however long.
    pub(crate) text: String,
}

/// What the document as a whole says of itself.
#[derive(Debug, Clone)]
pub(crate) struct PaperTitle {
    /// Its title.
    pub(crate) title: String,
    /// What stands at the foot of each page, before its number.
    pub(crate) footer: String,
    /// When it was made; a document that says the same has the same bytes.
    pub(crate) made_at: jiff::Timestamp,
}

/// Why no document could be made.
#[derive(Debug, thiserror::Error)]
#[error("the document could not be made: {0}")]
pub(crate) struct PaperProblem(String);

/// How a kind of block looks.
#[derive(Debug, Clone, Copy)]
struct Look {
    is_bold: bool,
    size: f32,
    before: f32,
    indent: f32,
    ink: (u8, u8, u8),
}

const INK: (u8, u8, u8) = (0x1c, 0x24, 0x30);
const SOFT: (u8, u8, u8) = (0x4a, 0x55, 0x63);
const GOOD: (u8, u8, u8) = (0x1f, 0x5f, 0x4a);
const BAD: (u8, u8, u8) = (0x9b, 0x1c, 0x1c);

const fn look(kind: BlockKind) -> Look {
    match kind {
        BlockKind::Heading(1) => Look { is_bold: true, size: 20.0, before: 0.0, indent: 0.0, ink: INK },
        BlockKind::Heading(2) => Look { is_bold: true, size: 13.0, before: 18.0, indent: 0.0, ink: GOOD },
        BlockKind::Heading(_) => Look { is_bold: true, size: 10.0, before: 12.0, indent: 0.0, ink: INK },
        BlockKind::Paragraph => Look { is_bold: false, size: 9.5, before: 5.0, indent: 0.0, ink: INK },
        BlockKind::Remark => Look { is_bold: false, size: 8.5, before: 3.0, indent: 0.0, ink: SOFT },
        BlockKind::Item(mark) => Look {
            is_bold: false,
            size: 8.5,
            before: 2.5,
            indent: 14.0,
            ink: match mark {
                ItemMark::Bad => BAD,
                ItemMark::Missing => SOFT,
                ItemMark::Plain | ItemMark::Good => INK,
            },
        },
    }
}

/// A line on a page.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    /// Of which block.
    block: usize,
    /// Whether it is the sign before an item.
    is_sign: bool,
    x: f32,
    y: f32,
    text: String,
}

/// How wide letters are.
struct Measure<'a> {
    plain: skrifa::FontRef<'a>,
    bold: skrifa::FontRef<'a>,
}

impl Measure<'static> {
    fn new() -> Result<Self, PaperProblem> {
        let read = |bytes| skrifa::FontRef::new(bytes).map_err(|error| PaperProblem(error.to_string()));
        Ok(Self { plain: read(PLAIN)?, bold: read(BOLD)? })
    }

    fn font(&self, is_bold: bool) -> &skrifa::FontRef<'static> {
        if is_bold { &self.bold } else { &self.plain }
    }

    /// The text with every letter that the font does not have replaced, and every control character by a space.
    fn drawable(&self, text: &str, is_bold: bool) -> String {
        let letters = self.font(is_bold).charmap();
        text.chars()
            .map(|letter| match letter {
                control if control.is_control() || control.is_whitespace() => ' ',
                known if letters.map(known).is_some() => known,
                _ => UNKNOWN_LETTER,
            })
            .collect()
    }

    fn width(&self, text: &str, look: Look) -> f32 {
        let font = self.font(look.is_bold);
        let (letters, widths) =
            (font.charmap(), font.glyph_metrics(Size::new(look.size), LocationRef::default()));
        let widths = text.chars().filter_map(|letter| widths.advance_width(letters.map(letter)?));
        widths.sum()
    }

    /// The text in lines that are not wider than `room`. A word that is wider is cut.
    fn lines(&self, text: &str, look: Look, room: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer, look) <= room {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if self.width(&line, look) > room {
                    line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.push(letter);
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}

/// Lays blocks out into pages.
fn lay_out(blocks: &[Block], measure: &Measure<'static>) -> Vec<Vec<Line>> {
    let mut pages = Vec::new();
    let mut page: Vec<Line> = Vec::new();
    let mut y = MARGIN;
    for (number, block) in blocks.iter().enumerate() {
        let look = look(block.kind);
        let text = measure.drawable(&block.text, look.is_bold);
        let lines = measure.lines(&text, look, PAGE.0 - 2.0 * MARGIN - look.indent);
        let leading = look.size * 1.4;
        let is_heading = matches!(block.kind, BlockKind::Heading(_));
        // A heading stands whole, and not alone, at the foot of a page.
        let heading: f32 = if is_heading { lines.iter().map(|_| leading).sum::<f32>() + 40.0 } else { 0.0 };
        if !page.is_empty() {
            y += look.before;
        }
        for (place, line) in lines.into_iter().enumerate() {
            let needed = if place == 0 { heading.max(leading) } else { leading };
            if y + needed > FLOOR && !page.is_empty() {
                pages.push(std::mem::take(&mut page));
                y = MARGIN;
            }
            y += leading;
            if let (0, BlockKind::Item(mark)) = (place, block.kind) {
                let sign = mark.sign().to_owned();
                page.push(Line { block: number, is_sign: true, x: MARGIN, y, text: sign });
            }
            page.push(Line { block: number, is_sign: false, x: MARGIN + look.indent, y, text: line });
        }
    }
    if !page.is_empty() {
        pages.push(page);
    }
    pages
}

/// The document.
///
/// # Errors
/// When a block would break a rule of the formats, such as a document without a heading.
pub(crate) fn paper(title: &PaperTitle, blocks: &[Block]) -> Result<Vec<u8>, PaperProblem> {
    let problem = |error: &dyn std::fmt::Debug| PaperProblem(format!("{error:?}"));
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| problem(&error))?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let font = |bytes: &'static [u8]| {
        Font::new(bytes.into(), 0).ok_or_else(|| PaperProblem("a font cannot be read".to_owned()))
    };
    let fonts = (font(PLAIN)?, font(BOLD)?);
    let measure = Measure::new()?;
    let pages = lay_out(blocks, &measure);
    let mut drawn = Drawn::new(blocks.len());
    for (number, lines) in pages.iter().enumerate() {
        let size = PageSettings::from_wh(PAGE.0, PAGE.1)
            .ok_or_else(|| PaperProblem("a page has no size".to_owned()))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for line in lines {
            let Some(block) = blocks.get(line.block) else { continue };
            let look = look(block.kind);
            let BlockKind::Item(mark) = block.kind else {
                draw(&mut surface, &fonts, line, look, &mut drawn, None);
                continue;
            };
            let aloud = line.is_sign.then(|| mark.aloud());
            draw(&mut surface, &fonts, line, look, &mut drawn, aloud);
        }
        let footer =
            format!("{}  ·  page {} of {}", measure.drawable(&title.footer, false), number + 1, pages.len());
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Footer)));
        surface.set_fill(Some(fill(SOFT)));
        surface.draw_text(
            Point::from_xy(MARGIN, FOOTER),
            fonts.0.clone(),
            7.5,
            &footer,
            false,
            TextDirection::Auto,
        );
        surface.end_tagged();
        surface.finish();
        page.finish();
    }
    document.set_outline(outline(blocks, &pages));
    document.set_tag_tree(tree(blocks, drawn));
    document.set_metadata(metadata(title));
    document.finish().map_err(|error| problem(&error))
}

/// What was drawn of each block.
struct Drawn(Vec<Vec<Identifier>>);

impl Drawn {
    fn new(blocks: usize) -> Self {
        Self(std::iter::repeat_with(Vec::new).take(blocks).collect())
    }
}

fn fill((red, green, blue): (u8, u8, u8)) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn draw(
    surface: &mut krilla::surface::Surface<'_>,
    fonts: &(Font, Font),
    line: &Line,
    look: Look,
    drawn: &mut Drawn,
    aloud: Option<&str>,
) {
    let span = SpanTag::empty().with_actual_text(aloud);
    let identifier = surface.start_tagged(ContentTag::Span(span));
    surface.set_fill(Some(fill(look.ink)));
    let font = if look.is_bold { &fonts.1 } else { &fonts.0 };
    // A space at the end of each line, so that words stay apart when the lines are read as one.
    let text = format!("{} ", line.text);
    let at = Point::from_xy(line.x, line.y);
    surface.draw_text(at, font.clone(), look.size, &text, false, TextDirection::LeftToRight);
    surface.end_tagged();
    if let Some(identifiers) = drawn.0.get_mut(line.block) {
        identifiers.push(identifier);
    }
}

fn outline(blocks: &[Block], pages: &[Vec<Line>]) -> Outline {
    let mut outline = Outline::new();
    for (number, lines) in pages.iter().enumerate() {
        let mut last = None;
        for line in lines {
            let block = blocks.get(line.block);
            let is_heading = block.is_some_and(|block| matches!(block.kind, BlockKind::Heading(1 | 2)));
            if let (Some(block), true, false) = (block, is_heading, last == Some(line.block)) {
                let top = Point::from_xy(0.0, (line.y - 30.0).max(0.0));
                outline.push_child(OutlineNode::new(block.text.clone(), XyzDestination::new(number, top)));
            }
            last = Some(line.block);
        }
    }
    outline
}

/// The structure that is read aloud: headings, paragraphs, and lists of the items that follow one another.
fn tree(blocks: &[Block], drawn: Drawn) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    let mut list: Option<TagGroup> = None;
    for (block, identifiers) in blocks.iter().zip(drawn.0) {
        if identifiers.is_empty() {
            continue;
        }
        let mut group = match block.kind {
            BlockKind::Heading(level) => {
                let level = std::num::NonZeroU16::new(level).unwrap_or(std::num::NonZeroU16::MIN);
                TagGroup::new(Tag::Hn(level, Some(block.text.clone())))
            }
            BlockKind::Paragraph | BlockKind::Remark => TagGroup::new(Tag::P),
            BlockKind::Item(_) => TagGroup::new(Tag::LBody),
        };
        for identifier in identifiers {
            group.push(identifier);
        }
        if matches!(block.kind, BlockKind::Item(_)) {
            let mut item = TagGroup::new(Tag::LI);
            item.push(group);
            list.get_or_insert_with(|| TagGroup::new(Tag::L(ListNumbering::None))).push(item);
        } else {
            if let Some(list) = list.take() {
                tree.push(list);
            }
            tree.push(group);
        }
    }
    if let Some(list) = list {
        tree.push(list);
    }
    tree
}

fn metadata(title: &PaperTitle) -> Metadata {
    let at = title.made_at.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    let made = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(title.title.clone())
        .language("en".to_owned())
        .creator("fiducia".to_owned())
        .document_id(title.footer.clone())
        .creation_date(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(kind: BlockKind, text: &str) -> Block {
        Block { kind, text: text.to_owned() }
    }

    fn sample(paragraphs: usize) -> Vec<Block> {
        let mut blocks = vec![block(BlockKind::Heading(1), "A report")];
        for number in 0..paragraphs {
            blocks.push(block(BlockKind::Heading(2), &format!("Part {number}")));
            blocks.push(block(BlockKind::Paragraph, &"words that fill the line and go on ".repeat(9)));
            blocks.push(block(BlockKind::Item(ItemMark::Good), "It holds."));
            blocks.push(block(BlockKind::Item(ItemMark::Bad), &"x".repeat(400)));
        }
        blocks
    }

    #[test]
    fn every_letter_is_on_a_page_within_the_margins_and_no_heading_ends_one() {
        let blocks = sample(40);
        let measure = Measure::new().unwrap();
        let pages = lay_out(&blocks, &measure);
        assert!(pages.len() > 3);
        let mut texts = vec![String::new(); blocks.len()];
        for page in &pages {
            let last = page.last().unwrap();
            assert!(!matches!(blocks[last.block].kind, BlockKind::Heading(_)));
            for line in page {
                let look = look(blocks[line.block].kind);
                assert!(line.y <= FLOOR && line.y > MARGIN);
                assert!(line.x + measure.width(&line.text, look) <= PAGE.0 - MARGIN + 0.01);
                if !line.is_sign {
                    texts[line.block].push_str(&line.text.replace(' ', ""));
                }
            }
        }
        for (block, text) in blocks.iter().zip(texts) {
            assert_eq!(block.text.replace(' ', ""), text);
        }
    }

    #[test]
    fn the_same_document_has_the_same_bytes_and_letters_without_a_glyph_are_replaced() {
        let title = PaperTitle {
            title: "A report".to_owned(),
            footer: "FA-1".to_owned(),
            made_at: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
        };
        let mut blocks = sample(2);
        blocks.push(block(BlockKind::Paragraph, "Spital 病院 \u{7}\u{202E}Straße"));
        let one = paper(&title, &blocks).unwrap();
        assert!(one.starts_with(b"%PDF-"));
        assert_eq!(one, paper(&title, &blocks).unwrap());
        assert_eq!(Measure::new().unwrap().drawable("a病\u{7}ß", false), "a\u{25A1} ß");
    }
}
