; "Open in Verger" in the menu of a folder, for those for whom Verger is installed.
!macro customInstall
  WriteRegStr SHCTX "Software\Classes\Directory\shell\Verger" "" "Open in Verger"
  ${If} $LANGUAGE == 1036
    WriteRegStr SHCTX "Software\Classes\Directory\shell\Verger" "" "Ouvrir dans Verger"
  ${EndIf}
  WriteRegStr SHCTX "Software\Classes\Directory\shell\Verger" "Icon" "$INSTDIR\${APP_EXECUTABLE_FILENAME}"
  WriteRegStr SHCTX "Software\Classes\Directory\shell\Verger\command" "" '"$INSTDIR\${APP_EXECUTABLE_FILENAME}" "%1"'
!macroend

!macro customUnInstall
  DeleteRegKey SHCTX "Software\Classes\Directory\shell\Verger"
!macroend
