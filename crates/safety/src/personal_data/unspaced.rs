//! Names and addresses in Chinese, Japanese and Korean, where no spaces tell words apart.

use fiducia_policy::Score;

use super::scene::Scene;
use super::tokens::{Shape, Token};
use super::words::Traits;
use super::{PersonalDataItem, PersonalDataKind};
use crate::Span;

/// The most characters of a run that are looked at; longer ones are cut.
const RUN_CHARACTERS_MAX: usize = 400;

/// Frequent Chinese family names of one character.
const CHINESE: &str = "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林罗羅高郑鄭梁谢謝宋唐许許韩韓冯馮邓鄧曹彭曾肖萧田董袁潘蒋蔣蔡余杜叶葉程苏蘇魏吕呂丁任沈姚卢盧姜崔钟鍾谭譚陆陸汪范金石廖贾賈夏韦韋付方白邹鄒孟熊秦邱江尹薛闫阎雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤";

/// Frequent Korean family names.
const KOREAN: &str = "김이박최정강조윤장임한오서신권황안송류홍전고문손양배백허유남심노하";

/// Frequent Japanese family names.
const JAPANESE: [&str; 40] = [
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "伊藤",
    "渡辺",
    "山本",
    "中村",
    "小林",
    "加藤",
    "吉田",
    "山田",
    "佐々木",
    "山口",
    "松本",
    "井上",
    "木村",
    "斎藤",
    "清水",
    "山崎",
    "池田",
    "橋本",
    "阿部",
    "石川",
    "山下",
    "中島",
    "前田",
    "藤田",
    "小川",
    "後藤",
    "岡田",
    "長谷川",
    "村上",
    "近藤",
    "石井",
    "坂本",
    "遠藤",
    "青木",
    "藤井",
    "西村",
];

/// Words before a name.
const BEFORE: [&str; 12] = [
    "我叫",
    "名叫",
    "姓名是",
    "名字是",
    "名字叫",
    "我的名字是",
    "患者",
    "联系人",
    "収件人",
    "名前は",
    "私は",
    "氏名",
];

/// Words behind a name.
const TITLES: [&str; 20] = [
    "先生",
    "女士",
    "小姐",
    "老师",
    "老師",
    "医生",
    "醫生",
    "教授",
    "经理",
    "經理",
    "同学",
    "律师",
    "さん",
    "様",
    "さま",
    "くん",
    "ちゃん",
    "씨",
    "님",
    "선생",
];

/// Characters that no given name goes on with.
const STOPS: &str =
    "的是在和与住说說今男女了有也都将将就来去很先生于是，我你他她们岁年です、はとがのをにも은는이가을를와과";

/// Finds names and addresses in the run at `at`. Gives the token behind it.
pub(super) fn all(scene: &Scene<'_>, at: usize, found: &mut Vec<PersonalDataItem>) -> usize {
    let Some(token) = scene.token(at) else { return at + 1 };
    let characters: Vec<(usize, char)> = scene.word(at).char_indices().take(RUN_CHARACTERS_MAX).collect();
    let run = Run { scene, token, characters };
    // The lists hold every title and announcement below, so most runs need no search for them.
    let announced = || if token.traits.any(Traits::NEAR_NAME) { run.announced() } else { None };
    let titled = || if token.traits.any(Traits::HONORIFIC) { run.titled() } else { None };
    if let Some(item) = run.labelled(at).or_else(announced).or_else(titled) {
        found.push(item);
    }
    if let Some((item, next)) = run.address(at) {
        found.push(item);
        return next;
    }
    at + 1
}

struct Run<'s, 't> {
    scene: &'s Scene<'t>,
    token: &'s Token,
    characters: Vec<(usize, char)>,
}

impl Run<'_, '_> {
    fn character(&self, at: usize) -> Option<char> {
        self.characters.get(at).map(|(_, character)| *character)
    }

    /// The byte at which the character `at` begins, or the end.
    fn byte(&self, at: usize) -> usize {
        self.token.start + self.characters.get(at).map_or(self.token.length(), |(byte, _)| *byte)
    }

    fn name(&self, first: usize, next: usize, score: f32) -> PersonalDataItem {
        PersonalDataItem {
            kind: PersonalDataKind::Name,
            span: Span { start: self.byte(first), end: self.byte(next) },
            score: Score::try_from(score).unwrap_or(Score::NONE),
        }
    }

    /// How many characters of a name begin at `first`; 0 when none does.
    fn name_length(&self, first: usize) -> usize {
        let Some(start) = self.character(first) else { return 0 };
        let japanese = JAPANESE.iter().find(|name| {
            name.chars()
                .enumerate()
                .all(|(place, character)| self.character(first + place) == Some(character))
        });
        let family = match japanese {
            Some(name) => name.chars().count(),
            None if CHINESE.contains(start) || KOREAN.contains(start) => 1,
            None => return 0,
        };
        let given = (0..2)
            .take_while(|place| {
                self.character(first + family + place).is_some_and(|next| !STOPS.contains(next))
            })
            .count();
        family + given
    }

    /// Where `word` begins in the run.
    fn find(&self, word: &str) -> Option<usize> {
        let byte = self.scene.text.get(self.token.start..self.token.end)?.find(word)?;
        self.characters.iter().position(|(at, _)| *at == byte)
    }

    /// The whole run is a name, because a label with a colon stands before it.
    fn labelled(&self, at: usize) -> Option<PersonalDataItem> {
        let before = at.checked_sub(2)?;
        let is_labelled = self.scene.is_mark(at - 1, b':') && self.scene.has(before, Traits::NEAR_NAME)
            || self.token.gap == super::tokens::Gap::Space && self.scene.has(at - 1, Traits::NEAR_NAME);
        let length = self.name_length(0);
        (is_labelled && length >= 2).then(|| self.name(0, length, 0.9))
    }

    /// A name behind words that announce one.
    fn announced(&self) -> Option<PersonalDataItem> {
        BEFORE.iter().find_map(|word| {
            let first = self.find(word)? + word.chars().count();
            let length = self.name_length(first);
            (length >= 2).then(|| self.name(first, first + length, 0.85))
        })
    }

    /// A name before a title.
    fn titled(&self) -> Option<PersonalDataItem> {
        TITLES.iter().find_map(|title| {
            let end = self.find(title)?;
            // The longest name that ends there.
            (1..=5.min(end)).rev().find_map(|length| {
                let first = end - length;
                let is_whole = self.name_length(first) >= length;
                is_whole.then(|| self.name(first, end, if length > 1 { 0.85 } else { 0.6 }))
            })
        })
    }

    /// A street with a number behind this run, as in 中关村大街27号.
    fn address(&self, at: usize) -> Option<(PersonalDataItem, usize)> {
        let last = self.characters.last()?.1;
        let has_region =
            self.characters.iter().any(|(_, character)| "省市区區县縣町村都府郡州".contains(*character));
        let is_street =
            "路街道巷弄里条町丁目村段园苑".contains(last) || has_region && "大字番".contains(last);
        let number = self
            .scene
            .token(at + 1)
            .filter(|token| token.shape == Shape::Digits && self.scene.touches(at + 1))?;
        let behind = self.scene.word(at + 2).chars().next();
        let has_sign =
            behind.is_some_and(|sign| "号號番弄栋棟楼幢丁-".contains(sign)) && self.scene.touches(at + 2);
        if !is_street || !has_sign {
            return None;
        }
        let starts = ["住在", "地址是", "地址为", "位于", "住所は"].iter();
        let first =
            starts.filter_map(|word| Some(self.find(word)? + word.chars().count())).max().unwrap_or(0);
        let end =
            self.scene.token(at + 2).map_or(number.end, |sign| sign.start + behind.map_or(0, char::len_utf8));
        let item = PersonalDataItem {
            kind: PersonalDataKind::Address,
            span: Span { start: self.byte(first), end },
            score: Score::try_from(0.85).unwrap_or(Score::NONE),
        };
        Some((item, at + 2))
    }
}
