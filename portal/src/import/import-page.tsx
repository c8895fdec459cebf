import { Link } from '@fluentui/react-link'
import { Page } from '../show/page.tsx'

/** How to import an update. */
export default function ImportPage() {
  return (
    <Page title="Import update">
      <p>
        Updates are imported by the API: see Import Update in <Link href="/docs">its description</Link>.
      </p>
    </Page>
  )
}
