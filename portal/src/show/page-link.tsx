import { Link as TextLink } from '@fluentui/react-link'
import type { ReactNode } from 'react'
import { Link } from 'wouter'

/** A link to a page of the instance that is shown. It leaves modified clicks to the browser. */
export function PageLink({ to, children, inline }: { to: string; children: ReactNode; inline?: boolean }) {
  return (
    <Link href={to} asChild>
      <TextLink inline={inline ?? false}>{children}</TextLink>
    </Link>
  )
}
