import { createRoot } from 'react-dom/client'
import { App } from './frame/app.tsx'
import { createSession } from './session/session.ts'

const session = createSession()
// First of all, so that what a link brought stays neither in the address nor in the history.
void session.start()
const root = document.getElementById('portal')
if (root === null) throw new Error('The page has no place for the portal.')
createRoot(root).render(<App session={session} />)
