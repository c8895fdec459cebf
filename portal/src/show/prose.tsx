/** A sentence in which backticks mark what is typed or sent. */
export function Prose({ text }: { text: string }) {
  return text.split('`').map((part, index) => {
    // The parts of one sentence never change their places.
    const key = `${index} ${part}`
    return index % 2 === 0 ? <span key={key}>{part}</span> : <code key={key}>{part}</code>
  })
}
