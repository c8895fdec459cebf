/** The part of the package that the tests use; it brings no types of its own. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  interface Client {
    clientId: string
  }

  interface Token {
    resourceServer: object
    /** The token as its bearer gets it. */
    save(): Promise<string>
  }

  export default class Provider {
    constructor(issuer: string, configuration: object)
    callback(): RequestListener
    readonly Client: { find(clientId: string): Promise<Client | undefined> }
    readonly AccessToken: new (
      facts: object,
    ) => Token
    readonly DeviceCode: { findByUserCode(userCode: string): Promise<{ save(): Promise<string> } | undefined> }
    readonly Grant: new (
      facts: object,
    ) => {
      addOIDCScope(scope: string): void
      addResourceScope(resource: string, scope: string): void
      save(): Promise<string>
    }
    readonly ResourceServer: new (
      identifier: string,
      info: object,
    ) => object
  }
}
