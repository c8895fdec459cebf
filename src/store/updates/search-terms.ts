/** A description of 512 characters has at most 256 words; the bound holds even if longer texts come. */
const TERMS_MAX = 512
/** A search with more words than this is narrow enough without the rest. */
const SEARCH_WORDS_MAX = 8
/** Longer words are found by their beginning. */
const TERM_LENGTH_MAX = 64

/**
 * The words of a text that List Updates can find it by: lower case, divided at everything that is neither letter nor digit, but
 * versions and names with dots and dashes also as a whole. Each word once.
 */
export function searchTerms(text: string): string[] {
  const whole = text.toLowerCase().split(/\s+/)
  const parts = whole.flatMap((word) => word.split(/[^\p{L}\p{N}]+/u))
  const terms = [...whole, ...parts].filter((term) => /[\p{L}\p{N}]/u.test(term)).map(cut)
  return [...new Set(terms)].slice(0, TERMS_MAX)
}

/** The words of a search expression; an update matches if each is the beginning of one of its words. */
export function searchWords(search: string): string[] {
  const words = search
    .toLowerCase()
    .split(/[\s"]+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
  const distinct = [...new Set(words.map(cut))]
  // Whatever has a word that begins with "toaster" has one that begins with "to".
  return distinct
    .filter((word) => !distinct.some((longer) => longer !== word && longer.startsWith(word)))
    .slice(0, SEARCH_WORDS_MAX)
}

/** By whole characters: half a character is no text to a database. */
function cut(word: string): string {
  return Array.from(word.slice(0, 2 * TERM_LENGTH_MAX))
    .slice(0, TERM_LENGTH_MAX)
    .join('')
}
