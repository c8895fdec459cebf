import { Text } from '@fluentui/react-text'
import { makeStyles } from '@griffel/react'
import { useServer } from '../server/use-server.ts'
import { PageLink } from '../show/page-link.tsx'

const useStyles = makeStyles({ empty: { padding: '32px 0', display: 'grid', gap: '8px' } })

/** What stands in place of an empty list. */
export function NoUpdates({ isFiltered }: { isFiltered: boolean }) {
  const styles = useStyles()
  const { instance, may } = useServer()
  return (
    <div role="status" className={styles.empty}>
      {isFiltered ? (
        <>
          <Text weight="semibold">No update matches.</Text>
          <Text>Each word that you search for must begin a word of the provider, name, version or description.</Text>
        </>
      ) : (
        <>
          <Text weight="semibold">Instance {instance} has no updates yet.</Text>
          {may('updates/write') ? (
            <Text>
              <PageLink to="/import" inline>
                Import the first one
              </PageLink>
              .
            </Text>
          ) : (
            <Text>Somebody with the role Device Update Content Administrator can import some.</Text>
          )}
        </>
      )}
    </div>
  )
}
