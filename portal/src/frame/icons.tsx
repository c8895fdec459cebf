import type { ReactNode } from 'react'

/** The portal's own pictures, 20 by 20, in the colour of the text beside them. They say nothing that the text does not. */
function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      width="20"
      height="20"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  )
}

export const UpdatesIcon = () => (
  <Icon>
    <path d="M3 6.5 10 3l7 3.5v7L10 17l-7-3.5zM3 6.5l7 3.5 7-3.5M10 10v7" />
  </Icon>
)

export const ImportIcon = () => (
  <Icon>
    <path d="M10 3v9m-3.5-3.5L10 12l3.5-3.5M3.5 13v3.5h13V13" />
  </Icon>
)

export const OperationsIcon = () => (
  <Icon>
    <path d="M4 5h12M4 10h12M4 15h7" />
    <circle cx="15" cy="15" r="1.5" />
  </Icon>
)

export const StorageIcon = () => (
  <Icon>
    <ellipse cx="10" cy="5" rx="6" ry="2.2" />
    <path d="M4 5v10c0 1.2 2.7 2.2 6 2.2s6-1 6-2.2V5M4 10c0 1.2 2.7 2.2 6 2.2s6-1 6-2.2" />
  </Icon>
)

export const ScanIcon = () => (
  <Icon>
    <path d="M10 2.5 4 5v4.5c0 3.8 2.5 6.4 6 8 3.5-1.6 6-4.2 6-8V5z" />
    <path d="m7.5 10 1.8 1.8 3.4-3.6" />
  </Icon>
)

export const AuditIcon = () => (
  <Icon>
    <path d="M5 3h7l3 3v11H5zM12 3v3h3M7.5 9.5h5M7.5 12.5h5" />
  </Icon>
)

export const MenuIcon = () => (
  <Icon>
    <path d="M3.5 5.5h13M3.5 10h13M3.5 14.5h13" />
  </Icon>
)

export const PersonIcon = () => (
  <Icon>
    <circle cx="10" cy="7" r="3.2" />
    <path d="M4 17c.6-3.2 3-4.8 6-4.8s5.4 1.6 6 4.8" />
  </Icon>
)

export const ThemeIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="6.5" />
    <path d="M10 3.5a6.5 6.5 0 0 1 0 13z" fill="currentColor" />
  </Icon>
)
