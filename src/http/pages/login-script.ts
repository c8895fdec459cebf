import { LOGIN_PATH } from './login-route.ts'

/**
 * What the page at `/docs` runs besides Swagger UI: it exchanges the code in the page's fragment for a token and lets Swagger UI send
 * that. The token is in the page's memory only. Text, since it runs in browsers and is served as a file of its own: the page's policy
 * allows no script inside it.
 */
export const LOGIN_SCRIPT = `'use strict'
{
  const mark = '#code='

  // Swagger UI begins when the page is loaded, which is after this, and says when it knows how to send a token.
  const begin = SwaggerUIBundle
  const swaggerUi = new Promise((resolve) => {
    window.SwaggerUIBundle = Object.assign((config) => {
      const ui = begin({ ...config, onComplete: () => resolve(ui) })
      return ui
    }, begin)
  })

  async function signIn() {
    if (!location.hash.startsWith(mark)) return
    const code = location.hash.slice(mark.length)
    // First of all, so that the code stays neither in the address nor in the history.
    history.replaceState(null, '', location.pathname + location.search)
    try {
      const { accessToken, expiresOn } = await exchange(code)
      const ui = await swaggerUi
      ui.preauthorizeApiKey('bearer', accessToken)
      say('status', 'You are signed in until ' + new Date(expiresOn).toLocaleString() + '. Closing or reloading this tab signs you out.')
    } catch (error) {
      say('alert', 'This link did not sign you in. ' + error.message + ' For another link, run "aduana link" on the machine of the server.')
    }
  }

  async function exchange(code) {
    const answer = await fetch('${LOGIN_PATH}', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
      credentials: 'omit',
    }).catch(() => {
      throw new Error('The server does not answer.')
    })
    const document = await answer.json().catch(() => ({}))
    if (answer.ok) return document
    throw new Error(document.error?.message ?? 'The server answered with ' + answer.status + '.')
  }

  /** Shows a sentence above the API, in the place of an earlier one. */
  function say(role, sentence) {
    const page = document.getElementById('swagger-ui')
    const line = document.getElementById('login') ?? document.createElement('div')
    line.id = 'login'
    // The style sheet of Swagger UI.
    line.className = 'swagger-ui'
    line.setAttribute('role', role)
    const text = document.createElement('p')
    text.className = 'wrapper'
    text.style.padding = '15px 20px'
    text.textContent = sentence
    line.replaceChildren(text)
    page.before(line)
    // Browsers come back to where they were on a page.
    line.scrollIntoView()
  }

  signIn()
  // A link that is opened in a tab that has the page already loads nothing.
  addEventListener('hashchange', signIn)
}
`
