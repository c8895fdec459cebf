/** Now, in milliseconds since 1970, by the database's clock: whichever node asks, there is one time. */
export const NOW = '(select now_ms from clock)'
