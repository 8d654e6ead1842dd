//! The pages of one layer. A page belongs to every sequence that read the same tokens; the first to write into it
//! takes a copy of its own.

use std::{collections::HashSet, sync::Arc};

use wick_kernels::{PAGE_TOKENS, Page, PageLayout, PageTable, Threads};

use crate::{Error, Result};

/// A byte that is a modest number in every format of the cache.
const FILLING: u8 = 0x3C;

#[derive(Clone)]
pub(crate) struct Pages {
    layout: PageLayout,
    window: Option<usize>,
    /// Page `p` holds the positions from `p · PAGE_TOKENS`; none where the window has passed it.
    pages: Vec<Option<Arc<Page>>>,
}

impl Pages {
    pub(super) fn new(layout: PageLayout, window: Option<usize>) -> Self {
        Self {
            layout,
            window,
            pages: Vec::new(),
        }
    }

    pub(crate) fn layout(&self) -> &PageLayout {
        &self.layout
    }

    /// All there are.
    pub(crate) fn table(&self) -> &dyn PageTable {
        &self.pages
    }

    /// Writes rows of keys and values, which stand at `position` and after.
    pub(crate) fn write(
        &mut self,
        threads: &Threads,
        position: usize,
        keys: &[f32],
        values: &[f32],
    ) -> Result<()> {
        let width = self.layout.kv_heads * self.layout.head_dim;
        let rows = keys.len().checked_div(width).unwrap_or(0);
        let (first, end) = (
            position / PAGE_TOKENS,
            (position + rows).div_ceil(PAGE_TOKENS),
        );
        while self.pages.len() < end {
            let page = Page::zeroed(self.layout.bytes())?;
            self.pages.push(Some(Arc::new(page)));
        }
        let slot = position % PAGE_TOKENS;
        let pages = &mut self.pages[first..end];
        // One token asks for no memory.
        if let [page] = pages {
            let pages = &mut [own(page)?];
            return Ok(self.layout.write_rows(threads, slot, pages, keys, values)?);
        }
        let mut pages = pages.iter_mut().map(own).collect::<Result<Vec<_>>>()?;
        Ok(self
            .layout
            .write_rows(threads, slot, &mut pages, keys, values)?)
    }

    /// Holds pages for positions up to `end`, all of them touched.
    pub(super) fn fill(&mut self, end: usize) -> Result<()> {
        while self.pages.len() < end.div_ceil(PAGE_TOKENS) {
            let mut page = Page::zeroed(self.layout.bytes())?;
            page.fill(FILLING);
            self.pages.push(Some(Arc::new(page)));
        }
        Ok(())
    }

    /// Gives up pages that no token at `position` or after can see, but for one: a guess that was wrong goes back a
    /// few tokens.
    pub(super) fn leave_behind(&mut self, position: usize) {
        let first = (self.first_seen(position) / PAGE_TOKENS).saturating_sub(1);
        for page in self.pages.iter_mut().take(first) {
            *page = None;
        }
    }

    /// Whether all that a token at `position` sees is there.
    pub(super) fn reaches(&self, position: usize) -> bool {
        let first = self.first_seen(position) / PAGE_TOKENS;
        let needed = first..position.div_ceil(PAGE_TOKENS);
        self.pages
            .get(needed)
            .is_some_and(|pages| pages.iter().all(Option::is_some))
    }

    pub(super) fn truncate(&mut self, position: usize) {
        self.pages.truncate(position.div_ceil(PAGE_TOKENS));
    }

    /// The first position that a token at `position` sees.
    fn first_seen(&self, position: usize) -> usize {
        let window = self.window.unwrap_or(usize::MAX);
        (position + 1).saturating_sub(window)
    }

    pub(super) fn count_bytes(&self, counted: &mut HashSet<usize>) -> usize {
        let pages = self.pages.iter().flatten();
        let fresh = pages.filter(|page| counted.insert(Arc::as_ptr(page) as usize));
        fresh.count() * self.layout.bytes()
    }

    /// The pages there are: the place of the first, and all from there on.
    pub(super) fn held(&self) -> (usize, impl Iterator<Item = &[u8]>) {
        let first = self.pages.iter().take_while(|page| page.is_none()).count();
        let pages = self.pages.iter().flatten();
        (first, pages.map(|page| page.as_ref().as_ref()))
    }

    /// Puts back the pages that a sequence of `position` tokens held from page `first` on; `read` gives the bytes of
    /// the next one.
    pub(super) fn restore(
        &mut self,
        position: usize,
        first: usize,
        mut read: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<()> {
        self.pages.clear();
        for at in 0..position.div_ceil(PAGE_TOKENS) {
            let page = match at >= first {
                true => {
                    let mut page = Page::zeroed(self.layout.bytes())?;
                    read(&mut page)?;
                    Some(Arc::new(page))
                }
                false => None,
            };
            self.pages.push(page);
        }
        Ok(())
    }
}

/// A page to write into: the sequence's own, or from now on.
fn own(page: &mut Option<Arc<Page>>) -> Result<&mut [u8]> {
    let page = page.as_mut().ok_or_else(|| Error::Compute {
        reason: "the cache was written behind its window".into(),
    })?;
    if Arc::get_mut(page).is_none() {
        *page = Arc::new(page.copied()?);
    }
    let own = Arc::get_mut(page).ok_or_else(|| Error::Compute {
        reason: "a page of the cache is still shared".into(),
    })?;
    Ok(own)
}
