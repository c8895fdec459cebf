import { Input, type InputProps } from '@fluentui/react-input'
import { useId } from 'react'

/** A text field to which the browser proposes what is known already. Anything else may be typed. */
export function SuggestingInput({ suggestions, ...props }: InputProps & { suggestions: readonly string[] }) {
  const id = useId()
  return (
    <>
      <Input {...props} list={id} autoComplete="off" />
      <datalist id={id}>
        {suggestions.map((suggestion) => (
          <option key={suggestion} value={suggestion} />
        ))}
      </datalist>
    </>
  )
}
