import { Button } from '@fluentui/react-button'
import { Spinner } from '@fluentui/react-spinner'
import { makeStyles } from '@griffel/react'
import type { Pages } from '../server/use-pages.ts'
import { countOf } from './format.ts'
import { Problem } from './problem.tsx'

const useStyles = makeStyles({
  foot: { display: 'flex', flexWrap: 'wrap', gap: '12px', alignItems: 'center', marginTop: '16px', minHeight: '32px' },
})

/** The end of a list that comes page by page: how many there are, and the way to more. Screen readers are told when more came. */
export function More({ pages, noun, plural = `${noun}s` }: { pages: Pages<unknown>; noun: string; plural?: string }) {
  const styles = useStyles()
  const { items, isLoading, error, hasMore, more } = pages
  if (error !== undefined) return <Problem error={error} title={`Cannot load the ${plural}`} onRetry={more} />
  return (
    <div className={styles.foot}>
      <span role="status">
        {isLoading
          ? ''
          : `${countOf(items.length, noun, plural)} ${hasMore ? 'shown, and there are more.' : 'in all.'}`}
      </span>
      {isLoading && <Spinner size="tiny" label={`Loading ${plural}`} />}
      {hasMore && !isLoading && <Button onClick={more}>Show more</Button>}
    </div>
  )
}
