/** The items of a list that a store gives in pages. `ask` gets what the page before names as the next one. */
export async function* itemsOf<Page, Item, Marker>(
  ask: (marker: Marker | undefined) => Promise<Page>,
  read: (page: Page) => { items: readonly Item[] | undefined; next: Marker | undefined },
): AsyncGenerator<Item> {
  let marker: Marker | undefined
  do {
    const { items = [], next } = read(await ask(marker))
    yield* items
    marker = next
  } while (marker !== undefined)
}
