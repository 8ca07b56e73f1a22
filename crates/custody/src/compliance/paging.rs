//! Pages of messages: records are opened one batch after another until the page is full. Pure: what opening means is its caller's.
//!
//! Not every record has a message: the answer of a provider that failed has none, and a request that only sends known history again
//! has none of its own. So a page is not a number of records.

use fiducia_policy::RecordId;

/// Where a message stands: its record, and its number among those that the record itself brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagePlace {
    /// The record.
    pub record: RecordId,
    /// Its number, from 0. It is the same on every page.
    pub number: u32,
}

/// How far one page goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageTerms {
    /// Only what lies behind this place, in the direction of the walk.
    pub(super) after: Option<MessagePlace>,
    /// From newer records to older ones.
    pub(super) is_towards_older: bool,
    /// Messages of the page.
    pub(super) messages_max: usize,
    /// Records that are opened, at least one.
    pub(super) records_max: usize,
}

/// A page, in the order of the walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walked<M> {
    /// Its messages.
    pub(super) messages: Vec<(MessagePlace, M)>,
    /// Whether there is more behind it.
    pub(super) has_more: bool,
    /// Where it begins and where the walk goes on; always there when there is more.
    pub(super) ends: Option<(MessagePlace, MessagePlace)>,
}

impl PageTerms {
    /// Whether a message lies behind the place from which the walk goes on.
    const fn is_behind(&self, number: u32, of: MessagePlace) -> bool {
        if self.is_towards_older { number < of.number } else { number > of.number }
    }

    /// The place behind the last message that a record can have.
    const fn end_of(&self, record: RecordId) -> MessagePlace {
        MessagePlace { record, number: if self.is_towards_older { 0 } else { u32::MAX } }
    }
}

/// Takes a page of `records`, which are in order of time. `open` gives the messages of each record of a batch, in the order of the
/// batch; it may leave records out. `None` when the place to go on from is not among the records.
///
/// # Errors
/// As `open`'s own.
pub(super) fn walk<R, M, E>(
    mut records: Vec<R>,
    id: impl Fn(&R) -> RecordId,
    terms: PageTerms,
    mut open: impl FnMut(&[R]) -> Result<Vec<(RecordId, Vec<M>)>, E>,
) -> Result<Option<Walked<M>>, E> {
    if terms.is_towards_older {
        records.reverse();
    }
    if let Some(place) = terms.after {
        let Some(found) = records.iter().position(|record| id(record) == place.record) else {
            return Ok(None);
        };
        let done = if place == terms.end_of(place.record) { found + 1 } else { found };
        drop(records.drain(..done));
    }
    // One more than the page takes says whether there is more.
    let wanted = terms.messages_max.saturating_add(1);
    let may_open = terms.records_max.min(records.len());
    let (mut messages, mut opened, mut last) = (Vec::new(), 0, None);
    while messages.len() < wanted && opened < may_open {
        // Batches grow, so that many records without messages do not take as many entries in the log.
        let step = (wanted - messages.len()).max(opened).min(may_open - opened);
        let batch = records.get(opened..opened + step).unwrap_or_default();
        for (record, said) in open(batch)? {
            let numbered = (0_u32..).zip(said);
            let mut of_it: Vec<_> = numbered
                .filter(|(number, _)| {
                    let place = terms.after.filter(|place| place.record == record);
                    place.is_none_or(|place| terms.is_behind(*number, place))
                })
                .map(|(number, message)| (MessagePlace { record, number }, message))
                .collect();
            if terms.is_towards_older {
                of_it.reverse();
            }
            messages.extend(of_it);
        }
        last = batch.last().map(&id);
        opened += step;
    }
    let is_cut = messages.len() > terms.messages_max;
    messages.truncate(terms.messages_max);
    let last_said = messages.last().map(|(place, _)| *place);
    let far = match last {
        // Records were opened behind the last message and had none: they are not opened again.
        Some(record) if !is_cut && last_said.is_none_or(|place| place.record != record) => {
            (opened < records.len() || last_said.is_some()).then(|| terms.end_of(record))
        }
        _ => last_said,
    };
    let near = messages.first().map(|(place, _)| *place).or(far);
    Ok(Some(Walked { messages, has_more: is_cut || opened < records.len(), ends: near.zip(far) }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(place: usize) -> RecordId {
        RecordId::from_bytes([u8::try_from(place).unwrap(); 16])
    }

    fn all(counts: &[usize]) -> Vec<MessagePlace> {
        let of = |(place, count): (usize, &usize)| {
            (0..u32::try_from(*count).unwrap())
                .map(move |number| MessagePlace { record: record(place), number })
        };
        counts.iter().enumerate().flat_map(of).collect()
    }

    /// One page, whose messages are their own places; also that no more was opened than permitted.
    fn page(counts: &[usize], terms: PageTerms) -> Walked<MessagePlace> {
        let mut opened = 0;
        let records: Vec<usize> = (0..counts.len()).collect();
        let walked = walk(
            records,
            |place| record(*place),
            terms,
            |batch| {
                assert!(!batch.is_empty());
                opened += batch.len();
                let said = batch.iter().map(|place| {
                    let own = 0..u32::try_from(counts[*place]).unwrap();
                    (
                        record(*place),
                        own.map(|number| MessagePlace { record: record(*place), number }).collect(),
                    )
                });
                Ok::<_, std::convert::Infallible>(said.collect())
            },
        );
        assert!(opened <= terms.records_max);
        let walked = walked.unwrap().unwrap();
        assert!(walked.messages.len() <= terms.messages_max);
        assert!(
            walked.messages.iter().all(|(place, message)| place == message),
            "numbers are those of the record"
        );
        assert!(!walked.has_more || walked.ends.is_some(), "who is told of more is told where");
        walked
    }

    /// Walks to the end; gives every page.
    fn pages(counts: &[usize], mut terms: PageTerms) -> Vec<Walked<MessagePlace>> {
        let mut found = Vec::new();
        loop {
            let walked = page(counts, terms);
            let next = walked.ends.filter(|_| walked.has_more);
            found.push(walked);
            let Some((_, far)) = next else { return found };
            terms.after = Some(far);
            assert!(found.len() <= all(counts).len() + counts.len() + 1, "the walk does not come forward");
        }
    }

    fn told(pages: &[Walked<MessagePlace>]) -> Vec<MessagePlace> {
        pages.iter().flat_map(|page| page.messages.iter().map(|(place, _)| *place)).collect()
    }

    proptest! {
        #[test]
        fn walking_with_any_limit_gives_the_same_list_in_both_directions(
            counts in prop::collection::vec(0_usize..4, 0..14), messages_max in 1_usize..6, records_max in 1_usize..8,
            is_towards_older: bool,
        ) {
            let terms = PageTerms { after: None, is_towards_older, messages_max, records_max };
            let mut expected = all(&counts);
            if is_towards_older {
                expected.reverse();
            }
            let there = pages(&counts, terms);
            prop_assert_eq!(told(&there), expected.clone());
            // And back from where the last page with messages began.
            let Some(page) = there.iter().rev().find(|page| !page.messages.is_empty()) else { return Ok(()) };
            let (near, _) = page.ends.unwrap();
            let begun = expected.iter().position(|place| *place == near).unwrap();
            let back = PageTerms { after: Some(near), is_towards_older: !is_towards_older, ..terms };
            let mut before = expected[..begun].to_vec();
            before.reverse();
            prop_assert_eq!(told(&pages(&counts, back)), before);
        }
    }

    #[test]
    fn a_page_is_filled_over_records_without_messages_and_what_was_empty_is_not_opened_again() {
        let counts = [1, 0, 0, 0, 0, 0, 1, 0, 0];
        let terms = PageTerms { after: None, is_towards_older: false, messages_max: 1, records_max: 1_000 };
        let found = pages(&counts, terms);
        assert_eq!(found.iter().map(|page| page.messages.len()).collect::<Vec<_>>(), [1, 1]);
        let few = pages(&counts, PageTerms { records_max: 2, ..terms });
        let lengths: Vec<_> = few.iter().map(|page| page.messages.len()).collect();
        assert_eq!(lengths, [1, 0, 0, 1, 0], "an empty page says where to go on");
    }

    #[test]
    fn a_place_that_is_gone_is_said_to_be() {
        let after = Some(MessagePlace { record: record(9), number: 0 });
        let terms = PageTerms { after, is_towards_older: false, messages_max: 1, records_max: 1 };
        let open = |_: &[usize]| Ok::<Vec<(RecordId, Vec<()>)>, std::convert::Infallible>(Vec::new());
        assert_eq!(walk(vec![1, 2], |place| record(*place), terms, open).unwrap(), None);
    }
}
