//! Draws rows of text as the lines of a table: borders, padding, cutting.
//!
//! The rows are gone through twice, for the widths and for the lines, and none is kept: what a
//! table takes does not grow with its length.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{Align, Style};

/// Left end, filling, joint, right end.
type Rule = [char; 4];

/// A row is a text for each header; a text of several lines makes the row higher.
pub fn draw(
    headers: &[(&str, Align)],
    rows: impl Iterator<Item = Vec<String>> + Clone,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page {
        widths: widths(headers, rows.clone(), style),
        headers,
        style,
        line: String::new(),
        out,
    };
    if !style.border {
        for row in rows {
            page.row(&row)?;
        }
        return Ok(());
    }
    let [top, head, middle, bottom] = rules(style.utf8);
    page.rule(top)?;
    if style.header {
        page.line(headers.iter().map(|(name, _)| *name))?;
        page.rule(head)?;
    }
    for (number, row) in rows.enumerate() {
        if number > 0 {
            page.rule(middle)?;
        }
        page.row(&row)?;
    }
    page.rule(bottom)
}

fn widths(
    headers: &[(&str, Align)],
    rows: impl Iterator<Item = Vec<String>>,
    style: Style,
) -> Vec<usize> {
    let is_headed = style.border && style.header;
    let header = |(name, _): &(&str, Align)| if is_headed { name.width() } else { 0 };
    let mut widths: Vec<_> = headers.iter().map(header).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row) {
            let widest = cell.lines().map(UnicodeWidthStr::width).max();
            *width = widest.unwrap_or(0).max(*width);
        }
    }
    widths
}

fn rules(utf8: bool) -> [Rule; 4] {
    match utf8 {
        true => [
            ['┌', '─', '┬', '┐'],
            ['╞', '═', '╪', '╡'],
            ['├', '─', '┼', '┤'],
            ['└', '─', '┴', '┘'],
        ],
        false => {
            let thick = ['+', '=', '+', '+'];
            [thick, thick, ['+', '-', '+', '+'], thick]
        }
    }
}

/// Where lines go, with all that is the same for each of them.
struct Page<'a> {
    headers: &'a [(&'a str, Align)],
    widths: Vec<usize>,
    style: Style,
    /// The line that is being made; kept for its room.
    line: String,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn row(&mut self, cells: &[String]) -> io::Result<()> {
        let mut left: Vec<_> = cells.iter().map(|cell| cell.lines()).collect();
        let heights = cells.iter().map(|cell| cell.lines().count().max(1));
        for _ in 0..heights.max().unwrap_or(0) {
            self.line(left.iter_mut().map(|lines| lines.next().unwrap_or("")))?;
        }
        Ok(())
    }

    fn line<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> io::Result<()> {
        let bar = if self.style.utf8 { '│' } else { '|' };
        for (number, ((text, width), (_, align))) in
            texts.zip(&self.widths).zip(self.headers).enumerate()
        {
            match (self.style.border, number) {
                (true, _) => self.line.extend([bar, ' ']),
                (false, 0) => {}
                (false, _) => self.line.push(' '),
            }
            let pad = width.saturating_sub(text.width());
            let (before, after) = match align {
                Align::Left => (0, pad),
                Align::Right => (pad, 0),
            };
            self.line.extend(std::iter::repeat_n(' ', before));
            self.line.push_str(text);
            self.line.extend(std::iter::repeat_n(' ', after));
            if self.style.border {
                self.line.push(' ');
            }
        }
        if self.style.border {
            self.line.push(bar);
        }
        self.end()
    }

    fn rule(&mut self, [left, fill, joint, right]: Rule) -> io::Result<()> {
        for (number, width) in self.widths.iter().enumerate() {
            self.line.push(if number == 0 { left } else { joint });
            self.line.extend(std::iter::repeat_n(fill, width + 2));
        }
        self.line.push(right);
        self.end()
    }

    /// The line is done: cut if it has to be, and written.
    fn end(&mut self) -> io::Result<()> {
        let cut = self
            .style
            .columns_max
            .and_then(|count| self.line.char_indices().nth(count));
        if let Some((at, _)) = cut {
            self.line.truncate(at);
        }
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())?;
        self.line.clear();
        Ok(())
    }
}
