import { useEffect, useState } from 'react'
import type { ApiClient } from '../../../../src/client/api-client.ts'
import type { Page } from '../../../../src/client/api-types.ts'
import { formatUpdateId } from '../../../../src/domain/update-id.ts'
import { useServer } from '../../server/use-server.ts'

const TYPING_PAUSE_MS = 300
/** More are no help to anybody. */
const SHOWN_MAX = 50

/** Providers that the instance has. */
export const useProviders = () => useSuggestions('', (client) => texts(client.pages.providers()))

/** Names that a provider has. */
export const useNames = (provider: string) =>
  useSuggestions(provider, (client) => (provider === '' ? [] : texts(client.pages.names(provider))))

/** Updates that a search finds, as `PROVIDER/NAME/VERSION`. */
export const useUpdates = (search: string) =>
  useSuggestions(search, async (client) => {
    const words = search.replaceAll('/', ' ').trim()
    const { value } = await client.pages.updates({ search: words === '' ? undefined : words })
    return value.slice(0, SHOWN_MAX).map(({ updateId }) => formatUpdateId(updateId))
  })

/** Asks once typing pauses. Where the server does not answer there is nothing to propose, which stops nobody. */
function useSuggestions(question: string, ask: (client: ApiClient) => Promise<string[]> | string[]): readonly string[] {
  const { client } = useServer()
  const [found, setFound] = useState<readonly string[]>([])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the question says all that is asked.
  useEffect(() => {
    let isOver = false
    const timer = setTimeout(async () => {
      const answer = await Promise.resolve(ask(client)).catch(() => [])
      if (!isOver) setFound(answer)
    }, TYPING_PAUSE_MS)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [client, question])
  return found
}

async function texts(page: Promise<Page<string>>): Promise<string[]> {
  return (await page).value.slice(0, SHOWN_MAX)
}
