import { Button } from '@fluentui/react-button'
import { useLocation } from 'wouter'
import { ImportIcon } from '../frame/icons.tsx'

/** Leads to the import page. */
export function ImportLink() {
  const [, navigate] = useLocation()
  return (
    <Button appearance="primary" icon={<ImportIcon />} onClick={() => navigate('/import')}>
      Import a new update
    </Button>
  )
}
