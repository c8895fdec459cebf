import { Link as TextLink } from '@fluentui/react-link'
import type { ReactNode } from 'react'
import { Link } from 'wouter'

/** A link to a page of the instance that is shown. It leaves modified clicks to the browser. */
export function PageLink({
  to,
  children,
  inline = false,
  label,
}: {
  to: string
  children: ReactNode
  /** In the middle of a sentence: underlined. */
  inline?: boolean
  /** What it is called to those who do not see what stands beside it. */
  label?: string
}) {
  return (
    <Link href={to} asChild>
      <TextLink inline={inline} aria-label={label}>
        {children}
      </TextLink>
    </Link>
  )
}
