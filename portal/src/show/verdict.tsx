import { Badge } from '@fluentui/react-badge'

/** What the malware scan found, in words and not by colour alone. */
export function Verdict({ result, details }: { result: string | undefined; details?: string | undefined }) {
  if (result === undefined) return 'Unknown'
  if (result === 'Success') {
    return (
      <Badge appearance="tint" color="success">
        Clean
      </Badge>
    )
  }
  const isInfected = result === 'Infected'
  return (
    <>
      <Badge appearance={isInfected ? 'filled' : 'tint'} color={isInfected ? 'danger' : 'informative'}>
        {isInfected ? 'Infected' : 'Not scanned'}
      </Badge>
      {details !== undefined && <span> {details}</span>}
    </>
  )
}
